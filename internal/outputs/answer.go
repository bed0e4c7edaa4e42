package outputs

import (
	"errors"
	"net/http"

	"example.com/unbroken/internal/loop"
)

// problem is how everything is refused: https://www.rfc-editor.org/rfc/rfc9457
type problem struct {
	Type   string    `json:"type"`
	Title  string    `json:"title"`
	Status int       `json:"status"`
	Detail string    `json:"detail"`
	Code   loop.Code `json:"code"`
}

// refuse answers with err, which is a loop.Refusal.
func refuse(w http.ResponseWriter, status int, err error) {
	p := problem{Title: http.StatusText(status), Status: status, Code: loop.CodeOf(err)}
	if r, ok := errors.AsType[*loop.Refusal](err); ok {
		p.Detail = r.Detail
	}
	p.Type = loop.ProblemPrefix + string(p.Code)
	w.Header().Set("Cache-Control", "no-store")
	write(w, status, loop.MediaProblem, p)
}

// unavailable answers when the table does not. What went wrong there stays inside.
func unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	refuse(w, http.StatusServiceUnavailable, loop.Refuse(loop.CodeUnavailable, "the table of this region does not answer; ask another region, which has the same outputs"))
}

func write(w http.ResponseWriter, status int, media string, body any) {
	b, err := loop.Marshal(body) // a value is given as it was written
	if err != nil {
		for _, name := range []string{"ETag", "Age", "Last-Modified"} {
			w.Header().Del(name)
		}
		refuse(w, http.StatusInternalServerError, loop.Refuse(loop.CodeMalformed, "the stored value is no JSON: somebody wrote it by hand; the next effect replaces it"))
		return
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client may be gone
}
