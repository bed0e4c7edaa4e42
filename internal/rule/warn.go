package rule

import (
	"fmt"
	"slices"
	"strings"

	"example.com/unbroken/internal/loop"
)

// Warnings says what of a Config works, but may not be what was meant. The problems have a path and no line.
func Warnings(cfg *loop.Config) []Problem {
	var ps []Problem
	warn := func(path, hint, format string, args ...any) {
		ps = append(ps, Problem{Path: path, Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	if len(cfg.Regions.Loop) == 1 {
		warn("regions.loop", "add a second loop region and a witness", "one loop region: no promise about the loss of a region holds")
	} else if !oneRegionSet(cfg.Regions.All()) {
		warn("regions", "choose all three from one set: "+strings.Join(regionSets(), "; "),
			"DynamoDB's strong consistency is not known to span these regions")
	}
	if len(cfg.Inputs) == 0 {
		warn("inputs", "add inputs: {name: {kind: http}}", "no input: no signal can come in")
	}
	for _, name := range sortedKeys(cfg.Inputs) {
		in := cfg.Inputs[name]
		if len(cfg.Regions.Loop) > 1 && in.Durability == loop.Regional {
			warn("inputs."+name+".durability", "", "regional: what is in flight waits until its region comes back")
		}
		if in.Kind == loop.KindHTTP && in.Auth == loop.AuthIAM && len(in.Credentials) == 0 {
			warn("inputs."+name, "add credentials: [{principal: the ARN of a role, sources: [its prefixes]}]",
				"auth iam without credentials: whoever may execute-api:Invoke in this account may speak for any source")
		}
	}
	used := map[string]bool{}
	for i, r := range cfg.Rules {
		switch r.Mode {
		case loop.ModeOff:
			warn(fmt.Sprintf("rules[%d].mode", i), "", "rule %s is off", r.ID)
		case loop.ModeShadow:
			warn(fmt.Sprintf("rules[%d].mode", i), "", "rule %s is in shadow: it decides and records, and does not act", r.ID)
		}
		for _, name := range sortedKeys(r.Match) {
			if near := nearAttribute(name); near != "" {
				warn(fmt.Sprintf("rules[%d].match.%s", i, name), "did you mean "+near+"?", "only signals with an extension of this name match")
			}
		}
		warnWindow(fmt.Sprintf("rules[%d]", i), r, warn)
		for _, phase := range phasesOf(r) {
			for _, s := range phase.steps {
				used[s.Action] = true
			}
		}
	}
	warnReach(cfg, warn)
	warnFeeds(cfg, warn)
	warnInhibition(cfg, warn)
	for _, name := range sortedKeys(cfg.Actions) {
		a := cfg.Actions[name]
		path := "actions." + name
		if !used[name] {
			warn(path, "", "no rule uses it")
		}
		if a.Effect == loop.ClassKeyed && a.Horizon < a.ExpireAfter {
			warn(path+".horizon", "", "%s is shorter than expire_after, %s: a late retry is parked for a person", a.Horizon, a.ExpireAfter)
		}
		for _, h := range sortedKeys(a.Headers) {
			if strings.EqualFold(h, "authorization") {
				warn(path+".headers."+h, "use secret: ssm:/path", "a credential in this file can be read by whoever reads the file")
			}
		}
	}
	return ps
}

// nearAttribute finds the attribute that a pattern's field may have been meant to be.
func nearAttribute(name string) string {
	attributes := []string{"id", "source", "type", "subject", "time", "data", "dataschema", "datacontenttype", "specversion"}
	name, _, _ = strings.Cut(name, ".")
	if slices.Contains(attributes, name) {
		return ""
	}
	for _, a := range attributes {
		if len(a) > 2 && edits(name, a, 3) < 3 {
			return a
		}
	}
	return ""
}

// regionSets are the sets that a strongly consistent global table stays within.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-dynamodb-globaltable-globaltablewitness.html
func regionSets() []string {
	return []string{
		"us-east-1 us-east-2 us-west-2",
		"eu-west-1 eu-west-2 eu-west-3 eu-central-1",
		"ap-northeast-1 ap-northeast-2 ap-northeast-3",
	}
}

func oneRegionSet(regions []string) bool {
	return slices.ContainsFunc(regionSets(), func(set string) bool {
		return !slices.ContainsFunc(regions, func(r string) bool { return !slices.Contains(strings.Fields(set), r) })
	})
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
