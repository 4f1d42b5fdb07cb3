-- How a number is compared with a threshold, by the sign of the comparison:
-- compare[">"](value, limit).
return {
  [">"] = function(a, b) return a > b end, [">="] = function(a, b) return a >= b end, ["=="] = function(a, b) return a == b end,
  ["<"] = function(a, b) return a < b end, ["<="] = function(a, b) return a <= b end, ["!="] = function(a, b) return a ~= b end,
}
