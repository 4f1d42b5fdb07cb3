package history

import (
	"encoding/json"
	"slices"
	"time"

	"moonwatch/engine"
)

// DayRecord is the record that holds the aggregates of a check's results of one day
// of UTC, as the hourly upkeep would have written it. Benchmarks make histories
// with it; results come in any order.
func DayRecord(check string, at time.Time, results []engine.Result) engine.Record {
	start := at.UTC().Truncate(day)
	d := new(aggregateDay)
	newest := slices.SortedFunc(slices.Values(results), func(a, b engine.Result) int { return b.Started.Compare(a.Started) })
	for i := range newest {
		hour := &d.hours[newest[i].Started.UTC().Hour()]
		if *hour == nil {
			*hour = newAggregate()
		}
		(*hour).add(&newest[i])
	}
	return engine.Record{Kind: engine.KindAggregate, ID: dayID(check, start), At: start, Data: d.encode()}
}

// SummedRecord is the mark that all hours before the full hour upTo are summed up.
func SummedRecord(upTo time.Time) engine.Record {
	return engine.Record{Kind: engine.KindMark, ID: summedMark, At: upTo, Data: []byte(`"` + upTo.UTC().Truncate(time.Hour).Format(time.RFC3339) + `"`)}
}

// RawRecord is the mark that results before from may have been dropped, so that
// aggregates stand for what was before.
func RawRecord(from time.Time) engine.Record {
	data, err := json.Marshal(rawKept{From: from.UTC(), Dropped: from.UTC()})
	if err != nil {
		panic(err) // two times always encode
	}
	return engine.Record{Kind: engine.KindMark, ID: rawMark, At: from, Data: data}
}
