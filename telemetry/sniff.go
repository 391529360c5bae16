package telemetry

// IsFrame reports whether value begins with the header of a frame, of whatever
// version. It reads no further: a corrupt frame is a frame.
func IsFrame(value []byte) bool {
	return len(value) >= frameHeader && string(value[:len(frameMagic)]) == frameMagic
}
