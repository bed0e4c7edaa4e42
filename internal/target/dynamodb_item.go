package target

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// attributes reads a JSON object as the attributes of an item. Numbers keep their digits.
func attributes(body string) (map[string]types.AttributeValue, error) {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errors.New("must be a JSON object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("must be one JSON object")
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("must be a JSON object: its members become the item's attributes")
	}
	return attribute(object).(*types.AttributeValueMemberM).Value, nil
}

// attribute is a JSON value as DynamoDB has it.
func attribute(v any) types.AttributeValue {
	switch v := v.(type) {
	case string:
		return &types.AttributeValueMemberS{Value: v}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case json.Number:
		return &types.AttributeValueMemberN{Value: v.String()}
	case []any:
		list := make([]types.AttributeValue, len(v))
		for i := range v {
			list[i] = attribute(v[i])
		}
		return &types.AttributeValueMemberL{Value: list}
	case map[string]any:
		object := make(map[string]types.AttributeValue, len(v))
		for name, value := range v {
			object[name] = attribute(value)
		}
		return &types.AttributeValueMemberM{Value: object}
	}
	return &types.AttributeValueMemberNULL{Value: true}
}
