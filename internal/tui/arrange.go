package tui

import "fmt"

// list is a part of the frame that may be longer than its room.
type list struct {
	head  string // shown above the lines; "": none
	lines []string
	rank  int // when there is no room even for one line of each, higher ranks go first
}

// height is the lines that a list takes when n of its own are shown: with its
// head, the line that says how many are left out, and an empty one before it.
func (l list) height(n int) int {
	if n == 0 || len(l.lines) == 0 {
		return 0
	}
	h := n + 1
	if l.head != "" {
		h++
	}
	if n < len(l.lines) {
		h++
	}
	return h
}

// arrange puts the lists below each other in at most room lines: all of them if
// they fit, else the longest are cut and say how much is missing, and at last
// whole lists go, by rank.
func arrange(lists []list, room int) []string {
	shown := make([]int, len(lists))
	for i, l := range lists {
		shown[i] = len(l.lines)
	}
	for total(lists, shown) > room && cutOne(shown) {
	}
	for total(lists, shown) > room && dropOne(lists, shown) {
	}
	regrow(lists, shown, room)
	spare := room - total(lists, shown)
	var lines []string
	for i, l := range lists {
		switch n := min(spare, len(l.lines)); {
		case shown[i] > 0:
			lines = append(lines, l.draw(shown[i])...)
		case l.head == "" && n > 0: // better close together than empty rows
			lines = append(lines, l.lines[:n]...)
			spare -= n
		}
	}
	return lines
}

func total(lists []list, shown []int) int {
	sum := 0
	for i, l := range lists {
		sum += l.height(shown[i])
	}
	return sum
}

// cutOne takes a line of the list that shows most. It reports false when every
// list is down to one.
func cutOne(shown []int) bool {
	longest := 0
	for i, n := range shown {
		if n > shown[longest] {
			longest = i
		}
	}
	if shown[longest] <= 1 {
		return false
	}
	shown[longest]--
	return true
}

// dropOne takes the list of the highest rank. It reports false when none is
// shown.
func dropOne(lists []list, shown []int) bool {
	first := -1
	for i, l := range lists {
		if shown[i] > 0 && (first < 0 || l.rank > lists[first].rank) {
			first = i
		}
	}
	if first < 0 {
		return false
	}
	shown[first] = 0
	return true
}

// regrow gives the room that whole lists left to those that are shown.
func regrow(lists []list, shown []int, room int) {
	for i, l := range lists {
		for shown[i] > 0 && shown[i] < len(l.lines) {
			shown[i]++
			if total(lists, shown) > room {
				shown[i]--
				break
			}
		}
	}
}

func (l list) draw(n int) []string {
	lines := []string{""}
	if l.head != "" {
		lines = append(lines, l.head)
	}
	lines = append(lines, l.lines[:n]...)
	if rest := len(l.lines) - n; rest > 0 {
		lines = append(lines, fmt.Sprintf("  … and %d more", rest))
	}
	return lines
}
