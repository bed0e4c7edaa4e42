package loop

import (
	"encoding/json"
	"strings"
)

// Input declares one way in.
type Input struct {
	Kind       string   `yaml:"kind"       json:"kind"`       // http | queue | alarm | poll
	Durability string   `yaml:"durability" json:"durability"` // mirrored | regional
	Policy     string   `yaml:"policy"     json:"policy"`     // all | any: what a lost copy means
	MaxSkew    Duration `yaml:"max_skew"   json:"maxSkew"`    // 0 means no bound, written `none`

	Archive bool `yaml:"archive" json:"archive,omitempty"` // what comes in is kept for backtests

	Format string  `yaml:"format" json:"format,omitempty"` // of an HTTP body; "" is cloudevents
	Source string  `yaml:"source" json:"source,omitempty"` // of the signals that another format makes
	Map    Mapping `yaml:"map"    json:"map,omitzero"`     // what format json makes of a body

	Schema json.RawMessage `yaml:"schema" json:"schema,omitempty"` // JSON schema of the signals' data

	ExpectEvery Duration `yaml:"expect_every" json:"expectEvery,omitempty"` // how often it says something at least; 0: nobody watches
	ExpectIn    string   `yaml:"expect_in"    json:"expectIn,omitempty"`    // any | each of the regions; "" is any
	Standby     string   `yaml:"standby"      json:"standby,omitempty"`     // the input that is active while this one is stalled

	Auth        string       `yaml:"auth"        json:"auth,omitempty"` // how a caller proves who it is; "" is iam
	Credentials []Credential `yaml:"credentials" json:"credentials,omitempty"`
	Quota       Quota        `yaml:"quota"       json:"quota,omitzero"`
	Every       Duration     `yaml:"every"       json:"every,omitempty"`   // kind poll: how often, and over how long each value is
	Metrics     []Metric     `yaml:"metrics"     json:"metrics,omitempty"` // kind poll
	URL         string       `yaml:"url"         json:"url,omitempty"`     // kind poll: an endpoint that says JSON, instead of metrics
	Secret      string       `yaml:"secret"      json:"secret,omitempty"`  // ssm:/path of the key that it asks for
	Topics      []string     `yaml:"topics"      json:"topics,omitempty"`  // kind alarm: ARNs of what alarms notify besides
	Sources     []string     `yaml:"sources"     json:"sources,omitempty"` // prefixes that may come in at all; none is no bound
}

// Quota is how many events an input takes a second, and how many at once after a pause; zero for no bound.
type Quota struct {
	PerSecond int `yaml:"per_second" json:"perSecond,omitempty"`
	Burst     int `yaml:"burst"      json:"burst,omitempty"`
}

// Mapping makes the attributes of a signal from a JSON body: CEL over `body`. An empty one leaves the attribute out,
// and Data as it came.
type Mapping struct {
	ID      string `yaml:"id"      json:"id,omitempty"`
	Source  string `yaml:"source"  json:"source,omitempty"`
	Type    string `yaml:"type"    json:"type,omitempty"`
	Subject string `yaml:"subject" json:"subject,omitempty"`
	Time    string `yaml:"time"    json:"time,omitempty"`
	Data    string `yaml:"data"    json:"data,omitempty"`
}

// Credential is somebody who may send, and the prefixes of the sources it may speak for: whoever could name any
// source could squat another's ids, and the signal that came second would be taken for a copy.
type Credential struct {
	Principal string   `yaml:"principal" json:"principal,omitempty"` // auth iam: the ARN of a role or a user
	Secrets   []string `yaml:"secrets"   json:"secrets,omitempty"`   // ssm:/path, the others: two while one replaces the other
	Sources   []string `yaml:"sources"   json:"sources,omitempty"`   // none where the input says what the source is
}

// Covers says whether one of the prefixes starts the source; no prefixes cover every source.
func Covers(prefixes []string, source string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(source, p) {
			return true
		}
	}
	return len(prefixes) == 0
}

// Values of Input's fields.
const (
	KindHTTP  = "http"
	KindQueue = "queue"
	KindAlarm = "alarm" // CloudWatch alarms, by EventBridge and by topics
	KindPoll  = "poll"  // CloudWatch metrics or an endpoint, read on a schedule

	FormatCloudEvents  = "cloudevents"
	FormatJSON         = "json"
	FormatAlertmanager = "alertmanager"
	FormatGrafana      = "grafana"
	FormatGitHub       = "github"

	AuthIAM    = "iam"    // SigV4, checked by the API
	AuthHMAC   = "hmac"   // Standard Webhooks
	AuthGitHub = "github" // X-Hub-Signature-256
	AuthBearer = "bearer" // a key

	ExpectAny  = "any"  // region: the input is stalled when no region hears it
	ExpectEach = "each" // region has a share of its own: the input is stalled when one does not hear it

	Mirrored = "mirrored"
	Regional = "regional"

	PolicyAll = "all"
	PolicyAny = "any"
)
