// Package expr holds the small languages of a plan: templates, conditions,
// capture expressions, JSON paths, and the comparisons that checks are made of.
// Each is parsed once, bound once to the names of its workflow, and then
// evaluated as often as a virtual user needs it. The package is pure: it has no
// clock, no randomness, no input and no output. Whatever changes from one
// evaluation to the next comes from a [Scope].
//
// Parsed and bound values are never changed after they were made, so any number
// of goroutines may evaluate the same one.
//
// # Grammar
//
// Blanks are space, tab, line feed and carriage return. They may stand between
// the tokens of everything but a bare word, a name and a number.
//
//	template   = { TEXT | "\{{" | "{{" expr "}}" } .
//	expr       = ( name | call ) [ "|" default ] .
//	call       = nullary | "now" "rfc3339" | "rand" arg arg | "randstr" arg
//	           | ( "json" | "base64" | "urlquery" ) arg .
//	nullary    = "uuid" | "now" | "vu" | "iteration" .
//	arg        = name | nullary | number | quoted .
//	default    = quoted | PLAIN .       (* up to "}}", blanks around dropped, braces in pairs *)
//	name       = word { "." part } .    (* not a function, not a keyword, not "env" alone *)
//	word       = ( LETTER | "_" ) { LETTER | DIGIT | "_" | "-" } .
//	part       = ( LETTER | DIGIT | "_" | "-" ) { LETTER | DIGIT | "_" | "-" } .
//	number     = [ "-" ] DIGIT { DIGIT } [ "." DIGIT { DIGIT } ] [ ( "e" | "E" ) [ "+" | "-" ] DIGIT { DIGIT } ] .
//	quoted     = "'" … "'" | '"' … '"' . (* a backslash makes the same quote literal, else it is itself *)
//
//	condition  = group { "or" group } . (* "and" binds tighter than "or" *)
//	group      = term { "and" term } .
//	term       = [ "not" ] operand [ op value ] .
//	operand    = name | nullary .
//	op         = "==" | "!=" | "<" | "<=" | ">" | ">=" | "contains" | "matches" .
//	value      = quoted | BARE .        (* BARE ends at a blank; either may hold templates *)
//
//	comparison = op ( quoted | TEXT ) | TEXT .  (* plain TEXT means == TEXT; may hold templates *)
//
//	path       = "$" { "." member | "[" selector "]" | ".." member } .
//	selector   = "*" | [ "-" ] INTEGER | quoted member name with the escapes of RFC 9535 .
//	member     = ( LETTER | "_" | any rune from U+0080 ) { the same | DIGIT } .
//
//	capture    = ( "json" path | "regex" RE2 | "header" WORD | "cookie" WORD | "status" | "body" )
//	             [ " | " default ] .    (* here PLAIN goes to the end of the text *)
//	status     = CODE | DIGIT "xx" | CODE ".." CODE .
//
// # Meaning
//
// A template's text stands as written. A value goes in as it is unless the
// [Escape] of its place says otherwise. A name without a value takes the
// default; without a default the evaluation ends with [NoValue]. The default
// replaces the whole expression: in {{ json x | null }} it is not encoded.
//
// In a condition an unset name is "". A name alone holds when its value is
// neither "" nor false. Two numbers are compared as numbers, exactly, whatever
// their length; everything else byte by byte. Contains and matches always work
// on text. A value's own templates do need a value (or a default).
//
// A capture that finds nothing takes its default. JSON null counts as nothing,
// so the first match is the first that is not null.
package expr
