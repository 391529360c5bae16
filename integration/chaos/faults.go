package main

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"

	"github.com/cohort-rl/cohort/numerics"
)

// faults come one after another, until enough processes were killed. Each lasts
// far less than what the job's deadlines allow.
type faults struct {
	services *services
	cast     *cast
	report   *report
	kills    int
	luck     *numerics.Stream
}

// kinds of faults, and how many of ten are of each.
const (
	killed    = "killed"    // kill -9, and started again
	stopped   = "stopped"   // SIGSTOP for a while
	cut       = "cut"       // connections closed, new ones refused
	hung      = "hung"      // connections open, nothing comes through
	slow      = "slow"      // answers come late
	restarted = "restarted" // SIGTERM, and started again
)

func kinds() []string {
	return []string{killed, killed, killed, killed, killed, stopped, cut, hung, slow, restarted}
}

// run brings faults, of effects that were seldom hit first.
func (f *faults) run(ctx context.Context) error {
	for f.report.killed() < f.kills || f.report.leastHit() < atLeast && f.report.killed() < 2*f.kills {
		component := f.component()
		kind := kinds()[f.luck.IntN(len(kinds()))]
		if (kind == cut || kind == hung || kind == slow) && f.services.proxies[component] == nil {
			kind = killed
		}
		if err := f.bring(ctx, component, kind); err != nil {
			return fmt.Errorf("%s is %s: %w", component, kind, err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// component is what the next fault comes upon.
func (f *faults) component() string {
	all := append([]string{"coordinator", "coordinator", "worker", "worker"}, named()...)
	return all[f.luck.IntN(len(all))]
}

// bring brings one fault and returns when it is over.
func (f *faults) bring(ctx context.Context, component, kind string) error {
	victim, effect := f.await(ctx, component)
	f.report.fault(component, kind, effect)
	lasts := 200*time.Millisecond + time.Duration(f.luck.IntN(2_500))*time.Millisecond
	if p := f.services.proxies[component]; p != nil {
		return f.service(ctx, component, p, kind, lasts)
	}
	switch kind {
	case stopped:
		if err := victim.signal(syscall.SIGSTOP); err != nil {
			return err
		}
		rest(ctx, lasts)
		return victim.signal(syscall.SIGCONT)
	case restarted:
		if err := victim.signal(syscall.SIGTERM); err != nil {
			return err
		}
	default:
		if err := victim.signal(syscall.SIGKILL); err != nil {
			return err
		}
	}
	return victim.again()
}

// service brings a fault upon Redis, Kafka or MinIO.
func (f *faults) service(ctx context.Context, name string, p *proxy, kind string, lasts time.Duration) error {
	switch kind {
	case cut:
		p.cut()
		rest(ctx, lasts)
		return p.mend()
	case hung, slow:
		begin := func() error { return p.slow(lasts / 10) }
		if kind == hung {
			begin = p.hang
		}
		if err := begin(); err != nil {
			return err
		}
		rest(ctx, lasts)
		return p.fast(context.WithoutCancel(ctx))
	case stopped:
		if err := f.services.signal(name, syscall.SIGSTOP); err != nil {
			return err
		}
		rest(ctx, lasts)
		return f.services.signal(name, syscall.SIGCONT)
	case restarted:
		if err := f.services.script(ctx, "down", name); err != nil {
			return err
		}
	default:
		if err := f.services.signal(name, syscall.SIGKILL); err != nil {
			return err
		}
	}
	return f.services.up(ctx, name)
}

// await waits until a program begins an effect that was seldom hit, for a short
// while, and returns which and by whom. Of a component that says nothing of
// itself it is the effect that a coordinator has under way.
func (f *faults) await(ctx context.Context, component string) (victim *program, effect string) {
	among := f.cast.coordinators
	if component == "worker" {
		among = f.cast.workers
	}
	limit := time.NewTimer(time.Duration(300+f.luck.IntN(1_500)) * time.Millisecond)
	defer limit.Stop()
	for {
		select {
		case b := <-f.cast.begins:
			if slices.Contains(among, b.by) && f.report.seldom(b.effect) {
				return b.by, b.effect
			}
		case <-limit.C:
			p := among[f.luck.IntN(len(among))]
			return p, p.doing()
		case <-ctx.Done():
			return among[0], ""
		}
	}
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
