package route

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"hyperscale"
)

const ms = time.Millisecond

// fine is a datacenter without a fault.
func fine(name string) Datacenter {
	return Datacenter{
		Name: name, Managers: 3, Heard: 3, RTT: 20 * ms, Samples: 100,
		Capacity: Capacity{Cores: 8, Free: 8, Workers: 4},
	}
}

// scene is a choice between two datacenters that are alike, so that a is chosen
// by its name.
type scene struct {
	Wish Wish
	A, B Datacenter
}

func (s scene) choice() Choice {
	return choose(Config{}.withDefaults(), s.Wish, []Datacenter{s.A, s.B})
}

// scenes has for each input how a choice is set up, and a change of that input alone
// that leads to another.
var scenes = map[string]struct{ set, change func(*scene) }{
	"A.Name":     {nil, func(s *scene) { s.A.Name = "c" }},
	"A.Managers": {func(s *scene) { s.A.Heard = 2 }, func(s *scene) { s.A.Managers = 5 }},
	"A.Heard":    {nil, func(s *scene) { s.A.Heard = 1 }},
	"A.Ailing":   {nil, func(s *scene) { s.A.Ailing = 2 }},
	"A.Open":     {nil, func(s *scene) { s.A.Open = 1 }},
	"A.Cut":      {nil, func(s *scene) { s.A.Cut = true }},
	"A.Doubted":  {func(s *scene) { s.A.Heard, s.B.Workers = 0, 0 }, func(s *scene) { s.A.Doubted = true }},

	"A.Capacity.Cores":     {nil, func(s *scene) { s.A.Cores = 16 }},
	"A.Capacity.Free":      {nil, func(s *scene) { s.A.Free = 7 }},
	"A.Capacity.Workers":   {func(s *scene) { s.A.Unhealthy = 4 }, func(s *scene) { s.A.Workers = 3 }},
	"A.Capacity.Unhealthy": {nil, func(s *scene) { s.A.Unhealthy = 5 }},
	"A.Capacity.Queued":    {nil, func(s *scene) { s.A.Queued = time.Second }},
	"A.Capacity.Expected": {
		func(s *scene) { s.A.Free, s.A.Expected, s.B.RTT, s.Wish.Least = 7, time.Minute, 120*ms, 8 },
		func(s *scene) { s.A.Expected += time.Second },
	},

	"A.Age":      {func(s *scene) { s.A.Age = 30 * time.Second }, func(s *scene) { s.A.Age++ }},
	"A.RTT":      {nil, func(s *scene) { s.A.RTT++ }},
	"A.Samples":  {nil, func(s *scene) { s.A.Samples = 9 }},
	"A.Observed": {func(s *scene) { s.A.Believed, s.A.Observed = 50, 20*ms }, func(s *scene) { s.A.Observed = 21 * ms }},
	"A.Believed": {func(s *scene) { s.A.Observed = time.Second }, func(s *scene) { s.A.Believed = 1 }},
	"A.Failed":   {nil, func(s *scene) { s.A.Failed = true }},
	"A.Worse": {
		func(s *scene) { s.A.RTT, s.Wish.Current = 40*ms, []string{"a"} },
		func(s *scene) { s.A.Worse = []string{"b"} },
	},

	"Wish.Datacenters": {nil, func(s *scene) { s.Wish.Datacenters = []string{"b"} }},
	"Wish.Count":       {nil, func(s *scene) { s.Wish.Count = 2 }},
	"Wish.Preferred":   {nil, func(s *scene) { s.Wish.Preferred = []string{"b"} }},
	"Wish.Excluded":    {nil, func(s *scene) { s.Wish.Excluded = []string{"a"} }},
	"Wish.Cover": {
		func(s *scene) { s.Wish.Datacenters, s.Wish.Most = []string{"a", "b"}, 8 },
		func(s *scene) { s.Wish.Cover = true },
	},
	"Wish.Least": {
		func(s *scene) { s.B.Cores, s.B.Free, s.Wish.Least, s.Wish.Most = 16, 15, 8, 10 },
		func(s *scene) { s.Wish.Least = 9 },
	},
	"Wish.Most":      {func(s *scene) { s.Wish.Most = 4 }, func(s *scene) { s.Wish.Most = 5 }},
	"Wish.Replicate": {func(s *scene) { s.Wish.Count, s.Wish.Most = 2, 8 }, func(s *scene) { s.Wish.Replicate = true }},
	"Wish.SLO.Latency": {
		func(s *scene) { s.Wish.SLO, s.B.RTT, s.B.Open = &hyperscale.SLO{Latency: 20 * ms}, 19*ms, 1 },
		func(s *scene) { s.Wish.SLO.Latency-- },
	},
	"Wish.SLO.Rate": {
		func(s *scene) {
			s.Wish.SLO = &hyperscale.SLO{Rate: 80_000 * hyperscale.PerSecond}
			s.B.Cores, s.B.Free = 9, 8
		},
		func(s *scene) { s.Wish.SLO.Rate++ },
	},
	"Wish.AllowPartial": {func(s *scene) { s.Wish.Count = 3 }, func(s *scene) { s.Wish.AllowPartial = true }},
	"Wish.Current":      {nil, func(s *scene) { s.Wish.Current = []string{"b"} }},
	"Wish.Held": {
		func(s *scene) { s.B.RTT, s.Wish.Current, s.Wish.Held = 15*ms, []string{"a"}, 30*time.Second-1 },
		func(s *scene) { s.Wish.Held++ },
	},
}

func staged(set, change func(*scene)) scene {
	s := scene{Wish: Wish{SLO: &hyperscale.SLO{}}, A: fine("a"), B: fine("b")}
	for _, do := range []func(*scene){set, change} {
		if do != nil {
			do(&s)
		}
	}
	return s
}

// Every input there is changes the choice, when nothing else changes.
func TestEveryInputCounts(t *testing.T) {
	inputs := leaves(reflect.ValueOf(staged(nil, nil)), "")
	for path := range inputs {
		if _, tested := scenes[path]; !tested && path[:2] != "B." {
			t.Errorf("nothing shows that %s counts", path)
		}
	}
	for path, s := range scenes {
		before, after := staged(s.set, nil), staged(s.set, s.change)
		old, changed := leaves(reflect.ValueOf(before), ""), leaves(reflect.ValueOf(after), "")
		for other := range inputs {
			if other != path && old[other] != changed[other] {
				t.Errorf("%s: %s is changed too", path, other)
			}
		}
		if old[path] == changed[path] {
			t.Errorf("%s does not change", path)
		}
		was, is := before.choice(), after.choice()
		if slices.Equal(was.Chosen, is.Chosen) {
			t.Errorf("%s changes nothing: from\n%v\nto\n%v", path, was.Lines(), is.Lines())
		}
	}
}

// leaves are the values of all fields, by their paths.
func leaves(v reflect.Value, path string) map[string]string {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return map[string]string{path: fmt.Sprintf("%#v", v)}
	}
	all := make(map[string]string)
	for i := range v.NumField() {
		below := v.Type().Field(i).Name
		if path != "" {
			below = path + "." + below
		}
		for name, value := range leaves(v.Field(i), below) {
			all[name] = value
		}
	}
	return all
}
