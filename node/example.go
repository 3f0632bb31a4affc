package node

// exampleRules is a connection that works as it stands once its names fit; it
// lies in a new home under a name that no command reads.
const exampleRules = `# An example. Copy it to connections/NAME.toml, change it, then:
#   parley rules check NAME --tenant
#   parley rules publish NAME --note "why"
# Nothing crosses that this file does not name.

peer       = "globex"             # the partner, as "parley pair list" calls it
connection = "globex-support"     # the name that both sides use; theirs must be the same
project    = "SUPPORT"            # the local project

[trigger]                         # which tickets start; without it: "parley sync", and what the partner sends
jql = 'project = SUPPORT AND labels = vendor-globex'

[outgoing]                        # what the partner gets to see
share = ["summary", "description", "priority", "status"]

[outgoing.comments]               # public comments; internal ones need a table of their own

[incoming]                        # what the partner may change here
accept = ["summary", "description"]

[incoming.comments]
as = "internal"                   # their comments become internal notes

[incoming.create]                 # how a twin is made of a ticket that starts there
project      = "SUPPORT"
request_type = "Report a problem"

[incoming.priority]
map       = { Highest = "High" }  # their name = ours
otherwise = "hold"                # a priority that the map does not know waits for a person

[limits]
tickets_per_day = 200
first_day       = 20
`
