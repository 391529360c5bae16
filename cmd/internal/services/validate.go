package services

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Validate names the first flag that is out of its bounds, or does not go with
// the others. It reads no file and asks nobody.
func (c Config) Validate() error {
	if _, err := c.redisPlace(); err != nil {
		return err
	}
	switch {
	case c.RedisPassword != "" && c.RedisPasswordFile != "":
		return errors.New("--redis-password and --redis-password-file are both set: take one away")
	case c.RedisUser != "" && c.RedisPassword == "" && c.RedisPasswordFile == "":
		return errors.New("--redis-user is set without a password: set --redis-password or --redis-password-file")
	}
	for _, broker := range c.Kafka {
		if err := checkAddress(broker); err != nil {
			return fmt.Errorf("--kafka %q: %w", broker, err)
		}
	}
	if len(c.Kafka) == 0 {
		return errors.New("--kafka names no broker: give one or more as HOST:PORT, separated by commas")
	}
	if err := c.KafkaSecurity.Validate(); err != nil {
		return err
	}
	if err := c.StoreAccess.Validate(); err != nil {
		return err
	}
	if c.Wait < 0 || c.Wait > time.Hour {
		return fmt.Errorf("--wait %s: use 0s to 1h", c.Wait)
	}
	return nil
}

// checkAddress says what keeps text from being HOST:PORT.
func checkAddress(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" {
		return errors.New("use HOST:PORT")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("port %q is none: use 1 to 65535", port)
	}
	return nil
}
