package local

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
)

// What starts functions inside the emulator, and how to switch it on and off. All of it goes
// around the edge: the region may be cut.

type schedule struct {
	Group string `json:"group"`
	Name  string `json:"name"`
}

type busRule struct {
	Bus  string `json:"bus"`
	Name string `json:"name"`
}

func (s *Site) enabledMappings(ctx context.Context, region string) ([]string, error) {
	var on []string
	pages := lambda.NewListEventSourceMappingsPaginator(lambda.NewFromConfig(s.direct(region)), &lambda.ListEventSourceMappingsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list event source mappings: %w", err)
		}
		for _, m := range page.EventSourceMappings {
			switch aws.ToString(m.State) {
			case "Disabled", "Disabling", "Deleting":
			default:
				on = append(on, aws.ToString(m.UUID))
			}
		}
	}
	return on, nil
}

func (s *Site) turnMapping(ctx context.Context, region, id string, on bool) error {
	_, err := lambda.NewFromConfig(s.direct(region)).UpdateEventSourceMapping(ctx,
		&lambda.UpdateEventSourceMappingInput{UUID: aws.String(id), Enabled: aws.Bool(on)})
	var gone *lambdatypes.ResourceNotFoundException
	if err == nil || errors.As(err, &gone) {
		return nil
	}
	return fmt.Errorf("event source mapping %s: %w", id, err)
}

func (s *Site) enabledSchedules(ctx context.Context, region string) ([]schedule, error) {
	var on []schedule
	pages := scheduler.NewListSchedulesPaginator(scheduler.NewFromConfig(s.direct(region)),
		&scheduler.ListSchedulesInput{State: schedulertypes.ScheduleStateEnabled})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list schedules: %w", err)
		}
		for _, one := range page.Schedules {
			on = append(on, schedule{Group: aws.ToString(one.GroupName), Name: aws.ToString(one.Name)})
		}
	}
	return on, nil
}

// turnSchedule reads a schedule and writes it back: UpdateSchedule replaces all of it.
func (s *Site) turnSchedule(ctx context.Context, region string, one schedule, on bool) error {
	client := scheduler.NewFromConfig(s.direct(region))
	is, err := client.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: aws.String(one.Name), GroupName: aws.String(one.Group)})
	var gone *schedulertypes.ResourceNotFoundException
	if errors.As(err, &gone) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("schedule %s: %w", one.Name, err)
	}
	state := schedulertypes.ScheduleStateDisabled
	if on {
		state = schedulertypes.ScheduleStateEnabled
	}
	_, err = client.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
		Name: is.Name, GroupName: is.GroupName, State: state,
		ScheduleExpression: is.ScheduleExpression, ScheduleExpressionTimezone: is.ScheduleExpressionTimezone,
		FlexibleTimeWindow: is.FlexibleTimeWindow, Target: is.Target, Description: is.Description,
		StartDate: is.StartDate, EndDate: is.EndDate, KmsKeyArn: is.KmsKeyArn,
		ActionAfterCompletion: is.ActionAfterCompletion,
	})
	if err != nil {
		return fmt.Errorf("schedule %s: %w", one.Name, err)
	}
	return nil
}

func (s *Site) enabledRules(ctx context.Context, region string) ([]busRule, error) {
	var buses struct{ EventBuses []struct{ Name string } }
	if err := s.events(ctx, region, "ListEventBuses", map[string]any{}, &buses); err != nil {
		return nil, fmt.Errorf("list event buses: %w", err)
	}
	var on []busRule
	for _, bus := range buses.EventBuses {
		token := ""
		for {
			in := map[string]any{"EventBusName": bus.Name}
			if token != "" {
				in["NextToken"] = token
			}
			var rules struct {
				Rules     []struct{ Name, State string }
				NextToken string
			}
			if err := s.events(ctx, region, "ListRules", in, &rules); err != nil {
				return nil, fmt.Errorf("list rules of %s: %w", bus.Name, err)
			}
			for _, r := range rules.Rules {
				if r.State != "DISABLED" {
					on = append(on, busRule{Bus: bus.Name, Name: r.Name})
				}
			}
			if token = rules.NextToken; token == "" {
				break
			}
		}
	}
	return on, nil
}

func (s *Site) turnRule(ctx context.Context, region string, one busRule, on bool) error {
	operation := "DisableRule"
	if on {
		operation = "EnableRule"
	}
	err := s.events(ctx, region, operation, map[string]any{"EventBusName": one.Bus, "Name": one.Name}, nil)
	var refused *apiError
	if errors.As(err, &refused) && refused.Code == "ResourceNotFoundException" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("rule %s: %w", one.Name, err)
	}
	return nil
}
