// Package test holds what is tested of the tree as a whole: that the repository
// keeps its own rules, and that the commands do what they say.
package test
