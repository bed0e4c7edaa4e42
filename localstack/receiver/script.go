package receiver

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// script is how one request wants to be treated. Its path says so, so that a rule in a demo
// needs nothing but a URL:
//
//	/anything                     takes effect, 200
//	/fail/{status}/anything       takes no effect, {status}
//	/apply-then/{status}/anything takes effect, then {status}
//
// and two parameters: ?delay=2s answers late, ?times=3 misbehaves only for the first three
// requests of each webhook-id.
type script struct {
	status int
	lost   bool // without effect
	delay  time.Duration
	times  int
}

func scriptOf(r *http.Request) (script, error) {
	s := script{status: http.StatusOK}
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
	if parts[0] == "fail" || parts[0] == "apply-then" {
		if len(parts) < 2 {
			return s, fmt.Errorf("receiver: /%s/ needs a status, such as /%s/503/hook", parts[0], parts[0])
		}
		n, err := strconv.Atoi(parts[1])
		if err != nil || n < 200 || n > 599 {
			return s, fmt.Errorf("receiver: %q is not a status: give one from 200 to 599", parts[1])
		}
		s.status, s.lost = n, parts[0] == "fail"
	}
	query := r.URL.Query()
	if text := query.Get("delay"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return s, fmt.Errorf("receiver: delay=%q is not a duration: give one like 1.5s", text)
		}
		s.delay = d
	}
	if text := query.Get("times"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return s, fmt.Errorf("receiver: times=%q is not a positive number", text)
		}
		s.times = n
	}
	return s, nil
}

// outcome decides for the nth request (from 1) of a webhook-id.
func (s script) outcome(nth int) (status int, applied bool) {
	if s.times > 0 && nth > s.times {
		return http.StatusOK, true
	}
	return s.status, !s.lost
}
