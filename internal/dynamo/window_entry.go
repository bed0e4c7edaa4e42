package dynamo

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// entryItem adds to it what e says. What has its zero value is left out: most windows use one of these.
func entryItem(e decide.Entry, it item) item {
	it["clear"] = &types.AttributeValueMemberBOOL{Value: e.Clear}
	if e.Miss {
		it["miss"] = &types.AttributeValueMemberBOOL{Value: true}
	}
	if e.Tick {
		it["tick"] = &types.AttributeValueMemberBOOL{Value: true}
	}
	if e.Value != 0 {
		// As text: DynamoDB's numbers are decimals of 38 digits and end at 1E125, and what comes back must be the
		// same bits. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
		it["value"] = str(strconv.FormatFloat(e.Value, 'g', -1, 64))
	}
	if e.Met != 0 {
		it["met"] = num(int64(e.Met)) //nolint:gosec // at most loop.MaxConditions bits
	}
	return it
}

func readEntry(it item) (decide.Entry, error) {
	r := reader{item: it}
	pos, err := loop.ParsePosition(r.str(sk))
	if err != nil {
		return decide.Entry{}, fmt.Errorf("stored window entry: %w", err)
	}
	hit, ok := it["clear"].(*types.AttributeValueMemberBOOL)
	if !ok {
		return decide.Entry{}, fmt.Errorf("stored window entry %s does not say whether it clears", pos)
	}
	e := decide.Entry{Pos: pos, Clear: hit.Value, Met: uint64(r.num("met"))} //nolint:gosec // it was one
	if miss, ok := it["miss"].(*types.AttributeValueMemberBOOL); ok {
		e.Miss = miss.Value
	}
	if tick, ok := it["tick"].(*types.AttributeValueMemberBOOL); ok {
		e.Tick = tick.Value
	}
	if text := r.str("value"); text != "" {
		if e.Value, err = strconv.ParseFloat(text, 64); err != nil {
			return decide.Entry{}, fmt.Errorf("stored window entry %s: %w", pos, err)
		}
	}
	return e, r.err
}
