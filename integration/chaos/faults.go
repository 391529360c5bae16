package main

import (
	"context"
	"errors"
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

const (
	// most is how many kills there are at most, in those that were asked for, until
	// each effect was hit often enough.
	most = 3
	// linger is how late answers come while a process is about to be killed in an
	// effect: an exchange that takes less than a millisecond is still under way then.
	linger = 40 * time.Millisecond
)

// run brings faults, and then kills until each effect was hit often enough.
func (f *faults) run(ctx context.Context) error {
	for f.report.killed() < f.kills {
		component := f.component()
		kind := kinds()[f.luck.IntN(len(kinds()))]
		if (kind == cut || kind == hung || kind == slow) && f.services.proxies[component] == nil {
			kind = killed
		}
		if err := f.bring(ctx, component, kind); err != nil {
			return fmt.Errorf("%s is %s: %w", component, kind, err)
		}
	}
	for len(f.report.wanting()) > 0 && f.report.killed() < most*f.kills {
		if err := f.kill(ctx, slices.Concat(f.cast.coordinators, f.cast.workers), 20*time.Second); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// component is what the next fault comes upon.
func (f *faults) component() string {
	all := append([]string{"coordinator", "coordinator", "worker", "worker"}, named()...)
	return all[f.luck.IntN(len(all))]
}

// bring brings one fault and returns when it is over.
func (f *faults) bring(ctx context.Context, component, kind string) error {
	soon := time.Duration(300+f.luck.IntN(1_500)) * time.Millisecond
	lasts := 200*time.Millisecond + time.Duration(f.luck.IntN(2_500))*time.Millisecond
	if p := f.services.proxies[component]; p != nil {
		if rest(ctx, soon); ctx.Err() != nil {
			return context.Cause(ctx)
		}
		f.report.fault(component, kind, nil)
		return f.service(ctx, component, p, kind, lasts)
	}
	among := f.cast.coordinators
	if component == "worker" {
		among = f.cast.workers
	}
	if kind == killed {
		return f.kill(ctx, among, soon)
	}
	if rest(ctx, soon); ctx.Err() != nil {
		return context.Cause(ctx)
	}
	victim := among[f.luck.IntN(len(among))]
	f.report.fault(component, kind, nil)
	if kind == stopped {
		if err := victim.signal(syscall.SIGSTOP); err != nil {
			return err
		}
		rest(ctx, lasts)
		return victim.signal(syscall.SIGCONT)
	}
	if err := victim.signal(syscall.SIGTERM); err != nil {
		return err
	}
	return errors.Join(victim.awaitEnd(), victim.start())
}

// kill kills one of the programs as soon as it begins an effect that was seldom
// hit, or any of them after a while, and starts it again. What counts as hit is
// what it had begun and not ended when it died.
func (f *faults) kill(ctx context.Context, among []*program, within time.Duration) error {
	for _, p := range f.services.proxies {
		if err := p.slow(linger); err != nil {
			return err
		}
	}
	victim := f.await(ctx, among, within)
	err := victim.signal(syscall.SIGKILL)
	for _, p := range f.services.proxies {
		err = errors.Join(err, p.fast(context.WithoutCancel(ctx)))
	}
	if err = errors.Join(err, victim.awaitEnd()); err != nil {
		return err
	}
	f.report.fault(victim.component(), killed, victim.atWork())
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return victim.start()
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

// await waits until one of the programs begins an effect that was seldom hit,
// for a while, and returns which.
func (f *faults) await(ctx context.Context, among []*program, within time.Duration) *program {
	limit := time.NewTimer(within)
	defer limit.Stop()
	for {
		select {
		case b := <-f.cast.begins:
			if slices.Contains(among, b.by) && f.report.seldom(b.effect) {
				return b.by
			}
		case <-limit.C:
			return among[f.luck.IntN(len(among))]
		case <-ctx.Done():
			return among[0]
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
