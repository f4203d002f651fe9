package main

import (
	"context"
	"encoding/json"
	"errors"
)

var statusListRow = sameDocument("statuslist", "GET the status list that tokens name", asLong, findStatusList)

// findStatusList asks the aggregation document for the first list.
func findStatusList(ctx context.Context, s *Stage) (string, error) {
	all, err := endpoint("status_list_aggregation_endpoint", s.Provider.StatusLists)
	if err != nil {
		return "", err
	}
	body, err := fetch(ctx, all)
	if err != nil {
		return "", err
	}
	var lists struct {
		URIs []string `json:"status_lists"`
	}
	if err := json.Unmarshal(body, &lists); err != nil {
		return "", err
	}
	if len(lists.URIs) == 0 {
		return "", errors.New("there is no status list")
	}
	return lists.URIs[0], nil
}
