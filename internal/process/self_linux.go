package process

// self is the binary that runs, also after its file was replaced.
func self() string { return "/proc/self/exe" }
