package gateway

import (
	"context"
	"sync"
)

// queue runs jobs in the background. Jobs about the same thing, such as an instance or a volume, run one after the
// other in the order they were added; all others run concurrently.
type queue struct {
	ctx  context.Context // of all jobs
	stop context.CancelFunc
	runs sync.WaitGroup

	mu   sync.Mutex
	last map[string]chan struct{} // closed when the last job about the thing is done
}

func newQueue() *queue {
	ctx, stop := context.WithCancel(context.Background())
	return &queue{ctx: ctx, stop: stop, last: map[string]chan struct{}{}}
}

// add puts a job about things at the end.
func (q *queue) add(job func(ctx context.Context), things ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ctx.Err() != nil {
		return
	}
	done := make(chan struct{})
	var earlier []chan struct{}
	for _, thing := range things {
		if last, ok := q.last[thing]; ok {
			earlier = append(earlier, last)
		}
		q.last[thing] = done
	}
	q.runs.Add(1)
	go func() {
		defer q.runs.Done()
		defer q.finish(done, things)
		for _, last := range earlier {
			<-last
		}
		if q.ctx.Err() == nil {
			job(q.ctx)
		}
	}()
}

func (q *queue) finish(done chan struct{}, things []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(done)
	for _, thing := range things {
		if q.last[thing] == done {
			delete(q.last, thing)
		}
	}
}

// close ends running jobs, accepts no more, and returns when all have ended.
func (q *queue) close() {
	q.mu.Lock()
	q.stop()
	q.mu.Unlock()
	q.runs.Wait()
}
