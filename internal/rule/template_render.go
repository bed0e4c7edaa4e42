package rule

import (
	"errors"
	"net/url"

	"github.com/tidwall/gjson"

	"example.com/unbroken/internal/loop"
)

// errEmptySegment refuses a path with a hole: DELETE /users/{{ id }} with no id would mean all of them.
var errEmptySegment = errors.New("a template in the path is empty")

// errNameForm refuses a resource whose name could not be read back, or could not be told from others.
var errNameForm = errors.New("a template in the name of a resource is empty or holds a control character")

// render appends what the template says of one signal.
func (t *template) render(b []byte, vars *activation) ([]byte, error) {
	start := len(b)
	for i := range t.chunks {
		c := &t.chunks[i]
		if c.expr == nil {
			b = append(b, c.literal...)
			continue
		}
		v, err := c.expr.eval(vars)
		if err != nil {
			return nil, t.failed(err)
		}
		switch c.form {
		case formText:
			b, err = appendText(b, v)
		case formJSON:
			b, err = appendJSON(b, v, 0)
		default:
			var s []byte
			if s, err = appendText(nil, v); err == nil {
				if len(s) == 0 && c.form == formPath {
					err = errEmptySegment
					break
				}
				if c.form == formName && (len(s) == 0 || !headerValue(string(s))) {
					err = errNameForm
					break
				}
				b = appendEscaped(b, string(s), c.form)
			}
		}
		if err != nil {
			return nil, t.failed(err)
		}
		if len(b)-start > loop.MaxRequestBytes {
			return nil, t.failed(errTooLarge)
		}
	}
	return b, nil
}

func appendEscaped(b []byte, s string, f form) []byte {
	switch f {
	case formPath:
		return append(b, url.PathEscape(s)...)
	case formQuery:
		return append(b, url.QueryEscape(s)...)
	case formName:
		return append(b, s...)
	default:
		quoted := gjson.AppendJSONString(nil, s)
		return append(b, quoted[1:len(quoted)-1]...)
	}
}

func (t *template) renderString(vars *activation) (string, error) {
	if s, ok := t.static(); ok {
		return s, nil
	}
	b, err := t.render(nil, vars)
	return string(b), err
}

// failed says what could not be rendered. What an expression cost or broke keeps its own code; a field that is
// missing is the template's failure.
func (t *template) failed(err error) error {
	switch code := loop.CodeOf(err); {
	case errors.Is(err, errTooLarge):
		return loop.Refuse(loop.CodeTooLarge, "%s: %s", t.field, err)
	case code == loop.CodeRuleCost || code == loop.CodeRulePanicked:
		return err
	}
	var refusal *loop.Refusal
	if errors.As(err, &refusal) {
		return loop.Refuse(loop.CodeRenderFailed, "%s: %s", t.field, refusal.Detail)
	}
	return loop.Refuse(loop.CodeRenderFailed, "%s: %s", t.field, err)
}
