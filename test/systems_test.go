package test_test

import (
	"os"
	"testing"

	modules "golang.org/x/tools/go/packages"
)

// The tree, its tests too, is sound on systems that it can't be run on here. Types
// are checked from the source of all that is imported, which takes a tenth of the
// time in which it could be compiled.
func TestOtherSystems(t *testing.T) {
	if testing.Short() || racing {
		t.Skip("it takes a while, and says the same without the race detector")
	}
	for _, system := range []string{"darwin", "windows"} {
		t.Run(system, func(t *testing.T) {
			all, err := modules.Load(&modules.Config{
				Mode: modules.NeedName | modules.NeedFiles | modules.NeedImports | modules.NeedDeps |
					modules.NeedTypes | modules.NeedSyntax | modules.NeedTypesInfo,
				Dir: "..", Tests: true, Env: append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0"),
			}, "./...")
			if err != nil {
				t.Fatal(err)
			}
			if len(all) < 50 {
				t.Errorf("only %d packages were found", len(all))
			}
			for _, p := range all {
				for _, err := range p.Errors {
					t.Error(err)
				}
			}
		})
	}
}
