//go:build !unix

package wiretest

// noDescriptor needs a limit that can be reached.
func noDescriptor(b *bench) { b.Skip("the system has no limit on descriptors") }
