//go:build race

package test_test

// racing: the race detector watches the tests, and the commands that they call.
const racing = true
