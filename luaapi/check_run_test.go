package luaapi

import (
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// The skeleton of the contract, word for word.
const skeletonCheck = `local forms = require "forms"

local Skeleton = {
  name = "Skeleton", slug = "check_skeleton", author = "Ada", version = "0.0.1",
  font_icon = "fa fa-skull",
  plugin_variables = { "SKELETON_LIST_OF_BONES" },
  config_form = {
    forms.CharField{ "bone_name", help_text = "Name of the bone to check" },
  },
}

function Skeleton:run(check, result)
  local bones = os.getenv("SKELETON_LIST_OF_BONES")
  if not bones then
    result.error = "SKELETON_LIST_OF_BONES is not set"
    return result
  end
  for bone in bones:gmatch("[^,]+") do
    if bone == check.bone_name then
      result.succeeded = true
      return result
    end
  end
  result.error = check.bone_name .. " is not in the list of bones"
  return result
end

function Skeleton:description(check)
  return "Check whether " .. check.bone_name .. " is in the list of bones."
end

return Skeleton
`

func TestSkeletonCheck(t *testing.T) {
	bones := withEnv(map[string]string{"SKELETON_LIST_OF_BONES": "femur,tibia"})
	tests := []struct {
		name   string
		change func(*Options)
		bone   string
		want   engine.RunReport
	}{
		{"in the list", bones, "tibia", engine.RunReport{Succeeded: true}},
		{"not in the list", bones, "wing", engine.RunReport{Error: "wing is not in the list of bones"}},
		{"not set", withEnv(nil), "wing", engine.RunReport{Error: "SKELETON_LIST_OF_BONES is not set"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rt := newTestRuntime(t, map[string]string{"skeleton.lua": skeletonCheck}, tt.change)
			got := runOnce(t, rt, "check_skeleton", form.Values{"bone_name": tt.bone})
			if got.Succeeded != tt.want.Succeeded || got.Error != tt.want.Error || got.Unknown {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestFailureWithoutAnError(t *testing.T) {
	if got := runBody(t, `return result`); got.Error != "failed" || got.Succeeded || got.Unknown {
		t.Errorf("got %+v", short(got))
	}
}
