// Package rule turns loop.yaml into something that can be asked: which rules concern this signal, does one fire,
// for which key, and what exactly would it do.
//
//	loop.yaml ── Parse ──▶ loop.Config ── Pack ──▶ bundle ── Load ──▶ Set ──▶ Program ── Match, When, Key, Render
//
// Everything here is a pure function of its arguments: no AWS, no clock, no state between two signals. What a
// rule remembers (windows, episodes) and what becomes of a rendered effect is none of its business.
package rule
