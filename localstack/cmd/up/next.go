package main

import (
	"fmt"
	"io"
	"net"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/localstack/local"
)

// next says where everything is and what is worth trying.
func next(out io.Writer, site *local.Site, cfg *loop.Config, ours bool) {
	host, port, _ := net.SplitHostPort(site.DNS)
	first, other := cfg.Regions.Loop[0], cfg.Regions.Loop[len(cfg.Regions.Loop)-1]
	_, _ = fmt.Fprintf(out, `
The loop is up.
  AWS endpoint      %s     (export AWS_ENDPOINT_URL, or give unbroken --local)
  webhook receiver  %s     (what was delivered: %[2]s/_receiver/deliveries)
  DNS               %[5]s            (dig @%[6]s -p %[7]s %[8]s, and again 30 s after a cut)

Three things to try in another terminal:
  bin/unbroken --local local cut %[3]s                                    # kill a region
  bin/unbroken --local send --hedge events/examples/*.json                # its peer does the work
  bin/unbroken --local status                                             # what is up, and who says so
Then heal it: bin/unbroken --local local heal %[3]s. The outputs stay readable in %[4]s throughout.
`, site.EdgeURL, site.ReceiverURL, first, other, site.DNS, host, port, local.Domain)
	if ours {
		_, _ = fmt.Fprintln(out, "\nCtrl-C stops everything.")
	} else {
		_, _ = fmt.Fprintln(out, "\nThe world belongs to another `make run`; it stays up.")
	}
}
