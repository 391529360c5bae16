// Package hlc is a hybrid logical clock (Kulkarni et al., "Logical Physical
// Clocks", 2014): stamps that follow the wall clock as long as that goes
// forward, and go forward when it does not.
//
// A stamp says before which others something may have happened, never when. Of
// two stamps of one [Clock] the one that was asked for later is the greater
// one, whatever the wall clock does and however many ask at once; after
// [Clock.Observe] the same holds for the stamps of another clock. What is wrong
// with the wall clock is an anomaly: flagged with the stamp, counted, and logged
// once per kind and interval.
package hlc
