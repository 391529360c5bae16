// Package state carries a growing state as the differences between its
// versions, and loses none of it silently.
//
// A [Writer] sends a state whole (a key frame) or as a JSON Patch (RFC 6902) on
// the version before it. Its base is the last version that was admitted: what was
// refused never counts as sent. A state goes out whole at the first time, at an
// interval, after every failure, and whenever a patch is not smaller or does not
// lead to it; the [Reason] is sent along and counted. Each [Change] has the
// SHA-256 of the state that a reader must then have. A [Reader] verifies each
// one, names the first that does not hold, and goes on at the next key frame.
//
// What is hashed is the canonical form of [Canonical]: RFC 8785, except that
// integers keep all of their digits.
package state
