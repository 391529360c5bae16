package embedded

import (
	"fmt"
	"net"
	"strconv"
)

// loopback returns the address of a port on this machine alone.
func loopback(port int) (string, error) {
	if port < 0 || port > 65535 {
		return "", fmt.Errorf("port %d is not in 0..65535", port)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), nil
}
