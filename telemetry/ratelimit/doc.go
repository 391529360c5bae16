// Package ratelimit bounds how many events a tenant sends, in all of its
// processes together.
//
// [Redis] keeps the limit in Redis by the server's clock: over any time t the
// processes of a tenant are granted at most Rate*t + Burst, whoever of them asks
// and whatever happens to Redis. It fails closed. Without an answer nothing is
// granted (ErrUnavailable). A bucket of which Redis may have forgotten what was
// taken from it counts as used up, and fills from then on: one that is not there
// (a tenant's first, one that was evicted, a server that came back empty), one
// that another run of the server wrote (it may have come back with an old state,
// or be a replica), and one that another limit or a later clock wrote. So a
// tenant's very first event is told to wait for 1/Rate.
//
// Tokens are not leased to processes: a lease that is used up later lets more
// pass in a short time than the limit says. Instead the calls of a process that
// come while it asks share the next question. What a lost answer granted is spent: the error is on the side of too
// few. Two masters at once, in the seconds of a failover that splits a cluster,
// each keep the limit on their own.
//
// [Local] keeps a limit in one process. It is never a fallback: only who
// configures a limit as local gets one.
package ratelimit
