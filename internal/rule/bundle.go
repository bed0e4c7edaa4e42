package rule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"example.com/unbroken/internal/loop"
)

// bundleFormat grows when an older reader could misread a newer bundle:
//
//	2  windows of other kinds than count
//	3  verify
//	4  inhibited_by
//	5  group
//
// What older formats say is read as it was meant.
const bundleFormat = 5

// Bundle is a checked loop.yaml as it is shipped inside the functions' own packages: deciding depends on nothing
// at run time that could be down (DESIGN section 4).
type Bundle struct {
	Hash   string // of the configuration; stands in every decision's explanation
	Config *loop.Config
	Set    *Set
}

type bundleFile struct {
	Format int             `json:"format"`
	Hash   string          `json:"hash"`
	Config json.RawMessage `json:"config"`
}

// Errors of Load, for callers that branch on them.
var (
	// ErrBundleFormat: the bundle was made by a newer version.
	ErrBundleFormat = errors.New("the bundle's format is newer than this program")
	// ErrBundleCorrupt: the bundle is not what was packed.
	ErrBundleCorrupt = errors.New("the bundle is corrupt")
)

// Pack writes a Config as a bundle. The same Config gives the same bytes: encoding/json sorts the keys of maps,
// and everything else has an order.
func Pack(cfg *loop.Config) ([]byte, error) {
	if _, err := Compile(cfg); err != nil {
		return nil, err
	}
	config, err := json.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("encode the bundle: %w", err)
	}
	b, err := json.Marshal(bundleFile{bundleFormat, bundleHash(config), config})
	if err != nil {
		return nil, fmt.Errorf("encode the bundle: %w", err)
	}
	return append(b, '\n'), nil
}

// Load reads a bundle and makes it ready.
func Load(b []byte) (*Bundle, error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("%w: %w: make it again with `unbroken bundle`", ErrBundleCorrupt, err)
	}
	switch {
	case head.Format > bundleFormat:
		return nil, fmt.Errorf("%w: it has format %d, this program reads up to %d: update the program, or make the bundle with the same version",
			ErrBundleFormat, head.Format, bundleFormat)
	case head.Format < 1:
		return nil, fmt.Errorf("%w: it has no format number: make it again with `unbroken bundle`", ErrBundleCorrupt)
	}
	var f bundleFile
	if err := strict(b, &f); err != nil {
		return nil, fmt.Errorf("%w: %w: make it again with `unbroken bundle`", ErrBundleCorrupt, err)
	}
	if got := bundleHash(f.Config); got != f.Hash {
		return nil, fmt.Errorf("%w: its hash is %.12s, it says %.12s: make it again with `unbroken bundle`", ErrBundleCorrupt, got, f.Hash)
	}
	cfg := &loop.Config{}
	if err := strict(f.Config, cfg); err != nil {
		return nil, fmt.Errorf("%w: %w: make it again with `unbroken bundle`", ErrBundleCorrupt, err)
	}
	set, err := Compile(cfg)
	if err != nil {
		return nil, fmt.Errorf("load the bundle: %w", err)
	}
	set.hash = f.Hash
	return &Bundle{Hash: f.Hash, Config: cfg, Set: set}, nil
}

func bundleHash(config []byte) string { return loop.H("bundle", string(config)) }

// strict decodes JSON that must hold nothing else: a field this program does not know would be ignored in
// silence, and with it what it asks for.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
