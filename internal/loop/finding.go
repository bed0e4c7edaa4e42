package loop

// Types of the signals that tell of what observers found; their source is WatcherSource. HealthTypePrefix is refused from
// outside.
//
// A check is each observer's own: each tells of its own change, under an id of its own and the subject of all,
// {region}/{check}. A rule with that as its key and `until` opens one episode, whoever comes first. What all see alike, a
// region's state and a silent observer, has one id from everybody: it is one signal, however often it is told. Only where
// two observers write the same flip within one look of each other, it has two, and again `until` makes one of them.
const (
	HealthTypePrefix   = "unbroken.health."
	TypeCheckBad       = HealthTypePrefix + "bad"       // a check turned bad; the subject is {region}/{check}
	TypeCheckRecovered = HealthTypePrefix + "recovered" // and is ok again
	TypeRegionDrained  = HealthTypePrefix + "drained"   // by observers or a person; the subject is the region
	TypeRegionReturned = HealthTypePrefix + "returned"
	TypeObserverSilent = HealthTypePrefix + "silent" // another observer's verdicts are not fresh; the subject is observer/{region}
	TypeObserverHeard  = HealthTypePrefix + "heard"
)

// FindingTypes are all of them.
func FindingTypes() []string {
	return []string{TypeCheckBad, TypeCheckRecovered, TypeRegionDrained, TypeRegionReturned, TypeObserverSilent, TypeObserverHeard}
}

// ToldKey is the key in `outputs` of what an observer has told and not taken back.
func ToldKey(observer string) string { return "told#" + observer }
