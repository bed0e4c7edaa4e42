package main

import (
	"context"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/queue"
)

// Receive implements queues.
func (q *accountQueues) Receive(ctx context.Context, region, name string, limit int, wait, hold time.Duration) ([]loop.Received, error) {
	queues, err := q.ready(ctx)
	if err != nil {
		return nil, err
	}
	return queues.Receive(ctx, region, name, limit, wait, hold)
}

// Delete implements queues.
func (q *accountQueues) Delete(ctx context.Context, region, name string, handles []string) error {
	queues, err := q.ready(ctx)
	if err != nil {
		return err
	}
	return queues.Delete(ctx, region, name, handles)
}

// Return implements queues.
func (q *accountQueues) Return(ctx context.Context, region, name string, handles []string) error {
	queues, err := q.ready(ctx)
	if err != nil {
		return err
	}
	return queues.Return(ctx, region, name, handles)
}

// StartMove implements queues.
func (q *accountQueues) StartMove(ctx context.Context, region, name string, rate int) error {
	queues, err := q.ready(ctx)
	if err != nil {
		return err
	}
	return queues.StartMove(ctx, region, name, rate)
}

// LastMove implements queues.
func (q *accountQueues) LastMove(ctx context.Context, region, name string) (queue.Move, error) {
	queues, err := q.ready(ctx)
	if err != nil {
		return queue.Move{}, err
	}
	return queues.LastMove(ctx, region, name)
}
