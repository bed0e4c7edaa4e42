package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"example.com/unbroken/client"
)

// A region that accepts one event, and one that is down.
func two() (up, down *httptest.Server) {
	answer := func(status int, body string) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, body)
		}))
	}
	return answer(http.StatusAccepted, `{"copies":2,"accepted":[{"index":0}]}`), answer(http.StatusServiceUnavailable, "")
}

func measured() client.Signal {
	return client.Signal{
		Source: "shop/checkout", ID: "errors-2026-03-04T05:06:00Z", Type: "com.example.metric", Subject: "checkout",
		Time: time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC), Data: []byte(`{"error_rate":0.09}`),
	}
}

func ExampleClient_Send() {
	up, down := two()
	defer up.Close()
	defer down.Close()
	c, err := client.New(client.Config{
		Endpoints: []client.Endpoint{{Region: "us-east-2", URL: down.URL}, {Region: "us-west-2", URL: up.URL}},
		Hedge:     true,
		// Sign: client.SigV4{…}, client.HMAC{…} or client.Bearer{…}, as the input's auth says
	})
	if err != nil {
		panic(err)
	}
	report, err := c.Send(context.Background(), measured()) // an error says which were not accepted; sending again is safe
	fmt.Println(report.Results[0].State, "in", report.Results[0].Region, "with", report.Results[0].Copies, "copies:", err)
	// Output: accepted in us-west-2 with 2 copies: <nil>
}

// A producer that may be killed, or cut off from all regions, keeps on disk what is not accepted yet.
func ExampleClient_Drain() {
	up, down := two()
	defer up.Close()
	defer down.Close()
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	producer := func(url string, patience time.Duration) *client.Client {
		spool, err := client.OpenSpool(dir, 64<<20)
		if err != nil {
			panic(err)
		}
		c, err := client.New(client.Config{
			Endpoints: []client.Endpoint{{Region: "us-east-2", URL: url}}, Spool: spool, Timeout: patience,
		})
		if err != nil {
			panic(err)
		}
		return c
	}

	report, err := producer(down.URL, 50*time.Millisecond).Send(context.Background(), measured())
	_, open := errors.AsType[*client.NotAccepted](err)
	fmt.Println(report.Results[0].State, "and spooled:", report.Results[0].Spooled, open)

	report, err = producer(up.URL, time.Minute).Drain(context.Background()) // after the next start, and now and then
	fmt.Println(report.Count(client.Accepted), "accepted:", err)
	// Output:
	// open and spooled: true true
	// 1 accepted: <nil>
}
