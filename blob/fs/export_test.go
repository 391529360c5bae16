package fs

// Call is a system call that a store makes to change the file system.
type Call struct {
	Op, Name, To string
	Body         []byte
}

// Around makes a call by do, and tells it what was made once it was.
type Around func(do func() (Call, error)) error

func (a Around) calls() calls {
	return calls{around: func(c *call, do func() error) error {
		return a(func() (Call, error) {
			err := do()
			return Call{Op: string(c.op), Name: c.name, To: c.to, Body: c.body}, err
		})
	}}
}

// CreateAround is Create for a store all of whose calls go through a.
func CreateAround(a Around, dir string) (*Bucket, error) { return createWith(a.calls(), dir) }

// OpenAround is Open likewise.
func OpenAround(a Around, dir string) (*Bucket, error) { return openWith(a.calls(), dir) }
