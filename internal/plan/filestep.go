package plan

import "hyperscale/internal/plan/yamlfile"

// stepFile is one step: exactly one of its verbs, with what belongs to it.
type stepFile struct {
	yamlfile.Place
	commonFile
	verbsFile
	groupFile
	optionsFile
	bodyFile
	answerFile
}

// commonFile is what every step may have.
type commonFile struct {
	Name    yamlfile.Value[string]           `yaml:"name" doc:"Unique in the workflow; default: the verb and the path"`
	Needs   []yamlfile.Value[string]         `yaml:"needs" doc:"Steps of the same list that must have ended; default: the one before; [] starts at once"`
	When    condition                        `yaml:"when" doc:"Condition without which the step is skipped"`
	Once    yamlfile.Value[bool]             `yaml:"once" doc:"Only in the first iteration of a virtual user; for closed and each loads"`
	OnError yamlfile.Value[choice[onErrors]] `yaml:"on-error" doc:"What follows when the step failed"`
}

// verbsFile is what a step does.
type verbsFile struct {
	Get      template               `yaml:"get" doc:"Sends GET to a path or URL"`
	Post     template               `yaml:"post" doc:"Sends POST to a path or URL"`
	Put      template               `yaml:"put" doc:"Sends PUT to a path or URL"`
	Patch    template               `yaml:"patch" doc:"Sends PATCH to a path or URL"`
	Delete   template               `yaml:"delete" doc:"Sends DELETE to a path or URL"`
	Head     template               `yaml:"head" doc:"Sends HEAD to a path or URL"`
	Options  template               `yaml:"options" doc:"Sends OPTIONS to a path or URL"`
	Request  *requestFile           `yaml:"request" doc:"Sends a request of any method"`
	Pause    yamlfile.Value[pause]  `yaml:"pause" doc:"Waits: 2s, 1s..3s, or exp 2s"`
	Set      yamlfile.Map[template] `yaml:"set" doc:"Gives values to variables"`
	Group    []stepFile             `yaml:"group" doc:"Steps that are listed as one"`
	Parallel []stepFile             `yaml:"parallel" doc:"Steps that start together"`
	Choose   []choiceFile           `yaml:"choose" doc:"Branches of which one is drawn by weight"`
}

// requestFile is a request of any method.
type requestFile struct {
	Method template `yaml:"method,required" doc:"Method, such as PURGE"`
	URL    template `yaml:"url,required" doc:"Path or URL"`
}

// groupFile is what a group may have besides its steps.
type groupFile struct {
	Repeat yamlfile.Value[int64] `yaml:"repeat" doc:"Number of passes over the group"`
	Until  condition             `yaml:"until" doc:"Condition, checked after each pass, that ends the passes"`
}

// choiceFile is one branch of a choose.
type choiceFile struct {
	yamlfile.Place
	Weight yamlfile.Value[int64] `yaml:"weight,required" doc:"Weight of the branch in the draw"`
	Steps  []stepFile            `yaml:"steps,required" doc:"Steps of the branch"`
}

// optionsFile is how requests are sent.
type optionsFile struct {
	Params      yamlfile.Map[template]                 `yaml:"params" doc:"Parameters that are added to the URL"`
	Headers     yamlfile.Map[template]                 `yaml:"headers" doc:"Headers"`
	Cookies     yamlfile.Map[template]                 `yaml:"cookies" doc:"Cookies that are sent besides those of the jar"`
	Auth        *authFile                              `yaml:"auth" doc:"Credentials"`
	Compress    yamlfile.Value[choice[compress]]       `yaml:"compress" doc:"\"gzip\": the body is sent compressed"`
	Timeout     yamlfile.Value[duration]               `yaml:"timeout" doc:"Of one request, from name lookup to last byte; default: 10s"`
	Redirects   yamlfile.Value[int64]                  `yaml:"redirects" doc:"Most redirects that are followed; 0: the 3xx is the answer; default: 10"`
	HTTP        yamlfile.Value[httpVersion]            `yaml:"http" doc:"Version: 1.1 or 2; default: 1.1"`
	TLS         *tlsFile                               `yaml:"tls" doc:"How the target's identity is checked and ours is shown"`
	Connections yamlfile.Value[choice[connections]]    `yaml:"connections" doc:"How long a connection is used and by whom; default: per-vu"`
	MaxBody     yamlfile.Value[size]                   `yaml:"max-body" doc:"How much of an answer's body is kept for captures and checks; default: 1MiB"`
	Proxy       yamlfile.Value[constant]               `yaml:"proxy" doc:"URL of a proxy"`
	Resolve     yamlfile.Map[yamlfile.Value[constant]] `yaml:"resolve" doc:"Addresses in place of name lookup: HOST: IP"`
	Tags        yamlfile.Map[yamlfile.Value[constant]] `yaml:"tags" doc:"Labels that are carried to the outputs"`
}

// authFile is credentials, of one kind.
type authFile struct {
	yamlfile.Place
	Basic  basicFile `yaml:"basic" doc:"[USER, PASSWORD]"`
	Bearer template  `yaml:"bearer" doc:"Token"`
}

// tlsFile is the options of TLS.
type tlsFile struct {
	yamlfile.Place
	Insecure   yamlfile.Value[bool]       `yaml:"insecure" doc:"Accepts any certificate"`
	CA         yamlfile.Value[string]     `yaml:"ca" doc:"Path of the authorities to trust, as PEM"`
	Cert       yamlfile.Value[string]     `yaml:"cert" doc:"Path of the certificate to show, as PEM"`
	Key        yamlfile.Value[string]     `yaml:"key" doc:"Path of the certificate's key, as PEM"`
	ServerName yamlfile.Value[constant]   `yaml:"server-name" doc:"Name that the certificate must be for; default: the URL's host"`
	Min        yamlfile.Value[tlsVersion] `yaml:"min" doc:"Lowest version: 1.2 or 1.3; default: 1.2"`
}

// bodyFile is the body of a request: at most one of these.
type bodyFile struct {
	JSON      jsonFile               `yaml:"json" doc:"A document; a string that is exactly one template keeps its value's type"`
	Form      yamlfile.Map[template] `yaml:"form" doc:"Fields of a form"`
	Multipart yamlfile.Map[partFile] `yaml:"multipart" doc:"Fields and files of a multipart form"`
	Body      template               `yaml:"body" doc:"Text"`
	File      yamlfile.Value[string] `yaml:"file" doc:"Path of a file that is sent as it is"`
}

// answerFile is what is wanted of the answer.
type answerFile struct {
	Capture yamlfile.Map[captureFile] `yaml:"capture" doc:"Values that are taken out of the answer into variables"`
	Check   *checkFile                `yaml:"check" doc:"What the answer must be like"`
}

// checkFile is the checks of a step.
type checkFile struct {
	Status  yamlfile.Value[statuses]  `yaml:"status" doc:"Status: 200, [200, 201], 2xx or 200..299"`
	Time    yamlfile.Value[timeCheck] `yaml:"time" doc:"Service time, such as < 800ms"`
	Size    yamlfile.Value[sizeCheck] `yaml:"size" doc:"Size of the body, such as < 64KiB"`
	Body    *bodyCheckFile            `yaml:"body" doc:"Text or JSON of the body"`
	Headers yamlfile.Map[template]    `yaml:"headers" doc:"Headers: a text, or present"`
}

// bodyCheckFile is the checks of a body.
type bodyCheckFile struct {
	Contains    template                                 `yaml:"contains" doc:"Text that the body must contain"`
	NotContains template                                 `yaml:"not-contains" doc:"Text that the body must not contain"`
	Equals      template                                 `yaml:"equals" doc:"Text that the body must be"`
	Matches     template                                 `yaml:"matches" doc:"Regular expression (RE2) that the body must match"`
	JSON        yamlfile.Map[yamlfile.Value[comparison]] `yaml:"json" doc:"Values in the body: PATH: VALUE, or PATH: OP VALUE"`
}
