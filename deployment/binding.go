package deployment

import (
	"fmt"
	"slices"
	"strings"
)

// BindingFormat is the format of binding.json.
const BindingFormat = "cohort.binding/1"

// Binding is the record at binding.json: the Redis and the Kafka that the
// deployment of this bucket runs on. It is replaced, under a condition, when
// they are others.
type Binding struct {
	Format string `json:"format"`
	Redis  Place  `json:"redis"`
	Kafka  Place  `json:"kafka"`
}

// Place is a service that was found.
type Place struct {
	// ID tells the service from others: for Redis the random token that lies in
	// it under the deployment's prefix, for Kafka the cluster's id. It is empty
	// where the service has none.
	ID string `json:"id"`
	// Addresses are those under which it was found, the newest last.
	Addresses []string `json:"addresses"`
}

// maxAddresses bounds Place.Addresses.
const maxAddresses = 16

// at adds the addresses of found, the newest last.
func (p Place) at(found Place) Place {
	for _, a := range found.Addresses {
		if !slices.Contains(p.Addresses, a) {
			p.Addresses = append(slices.Clip(p.Addresses), a)
		}
	}
	p.Addresses = p.Addresses[max(0, len(p.Addresses)-maxAddresses):]
	return p
}

// here reports whether the service was found at one of the addresses before.
func (p Place) here(found Place) bool {
	return slices.ContainsFunc(found.Addresses, func(a string) bool { return slices.Contains(p.Addresses, a) })
}

// Elsewhere says that the bucket's deployment runs on another service than the
// one that was found.
type Elsewhere struct {
	Service string // Redis or Kafka
	Bound   Place  // where the deployment runs
	Found   Place
}

// Error names both places.
func (e *Elsewhere) Error() string {
	return fmt.Sprintf("this bucket belongs to a deployment on %s at %s, and this is another %s at %s",
		e.Service, strings.Join(e.Bound.Addresses, ", "), e.Service, strings.Join(e.Found.Addresses, ", "))
}

// next is what the binding becomes when found is there now, and why in sentences
// if it is another service than before. moved says that another is what the user
// wants. An error is *Elsewhere.
func (b Binding) next(found Binding, moved bool) (next Binding, why []string, err error) {
	next = Binding{Format: BindingFormat}
	if next.Redis, why, err = follow("Redis", b.Redis, found.Redis, moved, why); err != nil {
		return b, nil, err
	}
	if b.Kafka.ID == "" || found.Kafka.ID == "" { // A Kafka without an id is taken at its word.
		next.Kafka = b.Kafka.at(found.Kafka)
		next.Kafka.ID = b.Kafka.ID + found.Kafka.ID
		return next, why, nil
	}
	if next.Kafka, why, err = follow("Kafka", b.Kafka, found.Kafka, moved, why); err != nil {
		return b, nil, err
	}
	return next, why, nil
}

// follow is next for one service.
func follow(service string, bound, found Place, moved bool, why []string) (Place, []string, error) {
	switch {
	case bound.ID == found.ID:
		return bound.at(found), why, nil
	case bound.here(found):
		why = append(why, service+" at "+strings.Join(found.Addresses, ", ")+" has lost its data")
		return Place{ID: found.ID}.at(bound).at(found), why, nil
	case moved:
		why = append(why, "the deployment has moved to "+service+" at "+strings.Join(found.Addresses, ", "))
		return Place{ID: found.ID}.at(found), why, nil
	}
	return bound, why, &Elsewhere{Service: service, Bound: bound, Found: found}
}

// equal reports whether both say the same.
func (b Binding) equal(o Binding) bool {
	same := func(a, b Place) bool { return a.ID == b.ID && slices.Equal(a.Addresses, b.Addresses) }
	return b.Format == o.Format && same(b.Redis, o.Redis) && same(b.Kafka, o.Kafka)
}
