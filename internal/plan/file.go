package plan

import (
	"strings"

	"hyperscale/internal/plan/yamlfile"
)

// The file types: what a plan looks like as YAML. The reader decodes into them
// and the JSON Schema is made from them; their doc tags are its descriptions.

// planFile is a whole plan.
type planFile struct {
	yamlfile.Place

	Name       yamlfile.Value[string]                 `yaml:"name" doc:"What the test is called; default: the file's name"`
	Target     template                               `yaml:"target" doc:"Base URL of the steps that give a path; \"demo\" starts the built-in target"`
	Seed       yamlfile.Value[seed]                   `yaml:"seed" doc:"Seed of all random draws; default: a digest of the plan and its data, so that reruns are alike"`
	Deadline   yamlfile.Value[duration]               `yaml:"deadline" doc:"Of the whole job; default: the planned length and 15 minutes"`
	SLO        *sloFile                               `yaml:"slo" doc:"Where the job may run: what a datacenter must be able to promise of the target"`
	Defaults   *defaultsFile                          `yaml:"defaults" doc:"Options of every request that has none of its own"`
	Data       yamlfile.Map[dataFile]                 `yaml:"data" doc:"Tables that iterations take rows from, as SET.COLUMN"`
	Vars       yamlfile.Map[template]                 `yaml:"vars" doc:"Variables that every iteration begins with"`
	Tags       yamlfile.Map[yamlfile.Value[constant]] `yaml:"tags" doc:"Labels that are carried to the outputs"`
	Workflows  yamlfile.Map[workflowFile]             `yaml:"workflows,required" doc:"The parts of the test, each with a load and steps"`
	Thresholds []thresholdFile                        `yaml:"thresholds" doc:"Conditions on the results that decide pass or fail"`
}

// IgnoresKey lets keys pass that are a place for anchors.
func (*planFile) IgnoresKey(key string) bool { return strings.HasPrefix(key, "x-") }

// sloFile says what the target must promise where the job runs.
type sloFile struct {
	Latency yamlfile.Value[duration] `yaml:"latency" doc:"Highest latency of the target"`
	Rate    yamlfile.Value[rate]     `yaml:"rate" doc:"Rate that the target can take"`
}

// defaultsFile is what counts for steps that do not say otherwise.
type defaultsFile struct {
	yamlfile.Place
	optionsFile
	OnError yamlfile.Value[choice[onErrors]] `yaml:"on-error" doc:"What follows a failed step"`
}

// dataFile is a data set.
type dataFile struct {
	yamlfile.Place
	CSV  yamlfile.Value[string]        `yaml:"csv" doc:"Path of a CSV file (RFC 4180) whose first row names the columns"`
	JSON yamlfile.Value[string]        `yaml:"json" doc:"Path of a JSON file: an array of objects, or one object in each line"`
	Pick yamlfile.Value[choice[picks]] `yaml:"pick" doc:"How iterations get rows: in turn (shared), never twice (unique), by draw (random), one for each virtual user (by-vu)"`
}

// workflowFile is one workflow.
type workflowFile struct {
	yamlfile.Place
	After    afterFile                            `yaml:"after" doc:"Workflows that must have ended well before this one starts; {NAME: always} however they ended"`
	Use      yamlfile.Map[yamlfile.Value[string]] `yaml:"use" doc:"Variables of earlier workflows: LOCAL: WORKFLOW.NAME"`
	Export   []yamlfile.Value[string]             `yaml:"export" doc:"Variables that later workflows may use; for workflows without load"`
	Load     *loadFile                            `yaml:"load" doc:"How the workflow is driven; default: one iteration by one virtual user"`
	Warmup   yamlfile.Value[duration]             `yaml:"warmup" doc:"First part of the schedule that thresholds, durations and rates leave out"`
	Graceful yamlfile.Value[duration]             `yaml:"graceful" doc:"How long started iterations may go on after the end of the load; default: 30s, of an open load 10s"`
	OnError  yamlfile.Value[choice[onErrors]]     `yaml:"on-error" doc:"What follows a failed step; default: continue, without load stop"`
	Cookies  yamlfile.Value[choice[keep]]         `yaml:"cookies" doc:"\"keep\": cookies stay from one iteration to the next; for closed loads"`
	Steps    []stepFile                           `yaml:"steps,required" doc:"What a virtual user does in one iteration"`
}

// loadFile is how a workflow is driven.
type loadFile struct {
	yamlfile.Place
	VUs         yamlfile.Value[int64]            `yaml:"vus" doc:"Number of virtual users; beside stages the number to start with"`
	Rate        yamlfile.Value[rate]             `yaml:"rate" doc:"Arrivals per time; beside stages the rate to start with"`
	Iterations  yamlfile.Value[int64]            `yaml:"iterations" doc:"Number of iterations that the virtual users share"`
	Each        yamlfile.Value[int64]            `yaml:"each" doc:"Number of iterations of every virtual user"`
	Search      *searchFile                      `yaml:"search" doc:"Looks for the highest rate that meets a condition"`
	For         yamlfile.Value[duration]         `yaml:"for" doc:"Length of the load"`
	Stages      []stageFile                      `yaml:"stages" doc:"Course of the load: numbers of virtual users, or rates"`
	Pace        yamlfile.Value[duration]         `yaml:"pace" doc:"Least time between the starts of a virtual user's iterations"`
	Arrivals    yamlfile.Value[choice[arrivals]] `yaml:"arrivals" doc:"Spacing of arrivals: fixed or poisson"`
	MaxArrivals yamlfile.Value[int64]            `yaml:"max-arrivals" doc:"Number of arrivals after which the load ends before its time"`
	MaxInFlight yamlfile.Value[int64]            `yaml:"max-in-flight" doc:"Most arrivals in progress at once; default: peak rate × (timeout + pauses), at most 25000"`
	Warmup      yamlfile.Value[duration]         `yaml:"warmup" doc:"First part of the schedule that thresholds, durations and rates leave out"`
	Graceful    yamlfile.Value[duration]         `yaml:"graceful" doc:"How long started iterations may go on after the end of the load; default: 30s, of an open load 10s"`
}

// stageFile is one stage of a load.
type stageFile struct {
	yamlfile.Place
	To   yamlfile.Value[level]    `yaml:"to" doc:"Level to go to: a number of virtual users or a rate"`
	Over yamlfile.Value[duration] `yaml:"over" doc:"Time to go there; without it the level jumps"`
	Hold yamlfile.Value[duration] `yaml:"hold" doc:"Time to stay at the level"`
}

// searchFile is a search for the highest rate that meets a condition.
type searchFile struct {
	yamlfile.Place
	While  yamlfile.Value[string]   `yaml:"while,required" doc:"The condition: thresholds joined by and"`
	From   yamlfile.Value[rate]     `yaml:"from,required" doc:"Rate of the first probe"`
	To     yamlfile.Value[rate]     `yaml:"to,required" doc:"Highest rate worth asking"`
	Hold   yamlfile.Value[duration] `yaml:"hold,required" doc:"Length of one probe"`
	Within yamlfile.Value[share]    `yaml:"within" doc:"Width of the interval at which the search ends; default: 5%"`
}
