# What every generator of golden values does alike: the input of its case in, what R says of it out, as JSON with fifteen digits.
#
#   Rscript tools/golden/ets.R test/golden/ets/input.json > expected.json       (or: npm run golden -- ets --accept)

suppressPackageStartupMessages({ library(forecast); library(jsonlite) })

input <- fromJSON(commandArgs(trailingOnly = TRUE)[1], simplifyVector = FALSE)
source_versions <- list(r = R.version.string, forecast = as.character(packageVersion("forecast")))

# A list of numbers, null where one is missing, as a vector; and back.
numbers <- function(list) vapply(list, function(value) if (is.null(value)) NA_real_ else as.numeric(value), 0)
figures <- function(values, digits = 13) as.list(signif(as.numeric(values), digits))
figure <- function(value) unbox(signif(as.numeric(value), 13))

answer <- function(expected) cat(toJSON(c(list(source = lapply(source_versions, unbox)), expected), auto_unbox = TRUE, digits = NA, na = "null", null = "null"))
