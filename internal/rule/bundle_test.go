package rule

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func packed(t testing.TB) ([]byte, *loop.Config) {
	t.Helper()
	cfg, err := ParseFile("testdata/loop.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Pack(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b, cfg
}

func TestBundleIsWhatWasParsed(t *testing.T) {
	t.Parallel()
	b, cfg := packed(t)
	bundle, err := Load(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(bundle.Config, cfg) {
		t.Errorf("got  %+v\nwant %+v", bundle.Config, cfg)
	}
	if len(bundle.Hash) != 64 || len(bundle.Set.Programs()) != 3 {
		t.Errorf("hash %q, %d rules", bundle.Hash, len(bundle.Set.Programs()))
	}
}

func TestBundleIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	first, _ := packed(t)
	for range 20 {
		again, _ := packed(t)
		if !bytes.Equal(first, again) {
			t.Fatal("two packings differ")
		}
	}
	loaded, err := Load(first)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Pack(loaded.Config)
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("packing what was loaded differs: %v", err)
	}
}

func TestBundleRefusesWhatItIsNot(t *testing.T) {
	t.Parallel()
	good, _ := packed(t)
	replace := func(old, with string) string {
		if !strings.Contains(string(good), old) {
			t.Fatalf("no %s in the bundle", old)
		}
		return strings.Replace(string(good), old, with, 1)
	}
	for name, c := range map[string]struct {
		bundle string
		want   error
	}{
		"empty":               {"", ErrBundleCorrupt},
		"not JSON":            {"prefix: shop", ErrBundleCorrupt},
		"cut off":             {string(good[:len(good)/2]), ErrBundleCorrupt},
		"one value":           {replace("0.05", "0.50"), ErrBundleCorrupt},
		"newer":               {replace(`"format":5`, `"format":6`), ErrBundleFormat},
		"no format":           {replace(`"format":5`, `"format":0`), ErrBundleCorrupt},
		"unknown field":       {replace(`"format":5`, `"format":5,"signature":"x"`), ErrBundleCorrupt},
		"something behind it": {string(good) + "{}", ErrBundleCorrupt},
	} {
		if _, err := Load([]byte(c.bundle)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	for i := 0; i < len(good); i += 37 { // any flipped bit of the configuration
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if b, err := Load(bad); err == nil && b.Hash != "" && !bytes.Equal(bad, good) && i > 10 {
			t.Errorf("byte %d flipped: loaded", i)
		}
	}
}

func TestBundleRefusesFieldsItDoesNotKnow(t *testing.T) {
	t.Parallel()
	config := `{"prefix":"a","throttle":"1m"}`
	b := `{"format":1,"hash":"` + bundleHash([]byte(config)) + `","config":` + config + `}`
	if _, err := Load([]byte(b)); !errors.Is(err, ErrBundleCorrupt) || !strings.Contains(err.Error(), "throttle") {
		t.Errorf("got %v", err)
	}
}

func TestPackRefusesABrokenConfig(t *testing.T) {
	t.Parallel()
	if _, err := Pack(&loop.Config{Rules: []loop.Rule{{ID: "a"}}}); err == nil {
		t.Error("packed")
	}
}
