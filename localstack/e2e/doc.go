// Package e2e is the end-to-end suite: the real stacks, deployed by the real cdk to the emulator, with real AWS SDK
// calls. Run it with `make test-e2e`; it starts a world of its own on free ports, so `make run` may be up beside it.
package e2e
