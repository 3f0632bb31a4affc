package conf

// Budget is [budget]: what this node may spend of the tenant's limits.
type Budget struct {
	PointsPerHour int // Atlassian's points; 0: what Jira's answers say, if they do
}

// leastPoints is the smallest quota that lets a node poll at all: an hour of polls each ten seconds costs 720 points.
const leastPoints = 1000

func (n *Node) readBudget(t *table) {
	b, ok := t.sub("budget", "[budget]")
	if !ok {
		return
	}
	points := b.count("points_per_hour")
	if n.Budget.PointsPerHour = points.Value; points.Pos.IsSet() && points.Value < leastPoints {
		t.ps.Add(points.Pos, "leave it out to go by what Jira says", "points_per_hour = %d is too little to work with; at least %d", points.Value, leastPoints)
	}
	b.done(nil)
}

func (b Budget) write(line func(format string, args ...any)) {
	line("")
	if b.PointsPerHour == 0 {
		line("# [budget]")
		line("# points_per_hour = 65000       # of Atlassian's points; without it, what Jira's answers say")
		return
	}
	line("[budget]")
	line("points_per_hour = %d", b.PointsPerHour)
}
