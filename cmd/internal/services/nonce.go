package services

import (
	"crypto/rand"
	"encoding/hex"
)

// Nonce returns 128 random bits in hexadecimal.
func Nonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never fails.
	return hex.EncodeToString(b[:])
}
