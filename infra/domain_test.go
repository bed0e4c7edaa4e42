package main

import (
	"slices"
	"testing"
)

// A region's API answers under its own name, which checks and observers ask, and under the loop's, which DNS gives to
// producers: one that refuses the second looks well to everybody, and takes nothing. Both need the certificate's word and a
// way to the stage.
func TestARegionAnswersUnderItsOwnNameAndTheLoops(t *testing.T) {
	loopStacks := 0
	for stack, tmpl := range made.pair.loopStacks() {
		loopStacks++
		own := stack[len("ub-"):] + ".loop.example.com"
		names := []string{own, "loop.example.com"}
		var covered, mapped, found []string
		domains := map[string]string{} // by logical id
		certificates := 0
		for id, r := range tmpl.Resources {
			switch r.Type {
			case "AWS::ApiGatewayV2::DomainName":
				name := text(r.Properties["DomainName"])
				domains["${"+id+"}"] = name
				found = append(found, name)
				for _, c := range list(r.Properties["DomainNameConfigurations"]) {
					if get(c, "EndpointType") != "REGIONAL" || tmpl.Resources[ref(get(c, "CertificateArn"))].Type != "AWS::CertificateManager::Certificate" {
						t.Errorf("%s: %s is %v", stack, name, c)
					}
				}
			case "AWS::CertificateManager::Certificate":
				certificates++
				covered = append(covered, text(r.Properties["DomainName"]))
				for _, other := range list(r.Properties["SubjectAlternativeNames"]) {
					covered = append(covered, text(other))
				}
			}
		}
		for _, r := range tmpl.Resources {
			if r.Type != "AWS::ApiGatewayV2::ApiMapping" {
				continue
			}
			mapped = append(mapped, domains[text(r.Properties["DomainName"])])
			if api, stage := tmpl.Resources[ref(r.Properties["ApiId"])].Type, tmpl.Resources[ref(r.Properties["Stage"])].Type; api != "AWS::ApiGatewayV2::Api" || stage != "AWS::ApiGatewayV2::Stage" {
				t.Errorf("%s: a name leads to %s, %s", stack, api, stage)
			}
		}
		for what, got := range map[string][]string{"names": found, "the certificate": covered, "mappings": mapped} {
			slices.Sort(got)
			if want := slices.Sorted(slices.Values(names)); !slices.Equal(got, want) {
				t.Errorf("%s: %s: %v, want %v", stack, what, got, want)
			}
		}
		if certificates != 1 {
			t.Errorf("%s has %d certificates", stack, certificates)
		}
	}
	if loopStacks != 2 {
		t.Errorf("%d loop regions", loopStacks)
	}
	made.unnamed.each("AWS::ApiGatewayV2::DomainName", func(stack, id string, _ resource) { t.Errorf("%s has %s without a domain", stack, id) })
}

// ref is the logical id that a value refers to, "" where it refers to none.
func ref(v any) string {
	id, _ := get(v, "Ref").(string)
	return id
}
