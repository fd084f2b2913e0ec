# Forecasts of R's `forecast` package for the series on standard input, one line out for each line in and method.
#
#   Rscript bench/forecast/rivals.R ets,thetaf < series.txt
#
# In:  key TAB seasonal lag TAB horizon TAB values separated by spaces (NaN is missing)
# Out: key TAB method TAB CPU seconds TAB means TAB lower 80% TAB upper 80%   (means empty where the method failed)
# First line out: versions TAB R version TAB version of `forecast`

suppressPackageStartupMessages(library(forecast))
methods <- strsplit(commandArgs(trailingOnly = TRUE)[1], ",")[[1]]
cat("versions", R.version$major, R.version$minor, as.character(packageVersion("forecast")), sep = "\t")
cat("\n")

run <- list(
  ets = function(y, h) forecast(ets(y), h = h, level = 80),
  thetaf = function(y, h) thetaf(y, h = h, level = 80),
  arima = function(y, h) forecast(auto.arima(y), h = h, level = 80),
  snaive = function(y, h) snaive(y, h = h, level = 80),
  stlm = function(y, h) stlf(y, h = h, level = 80),
  tbats = function(y, h) forecast(tbats(y, use.parallel = FALSE), h = h, level = 80),
  croston = function(y, h) croston(y, h = h)
)

numbers <- function(x) paste(formatC(as.numeric(x), digits = 10, format = "g"), collapse = " ")
input <- file("stdin", "r")
while (length(line <- readLines(input, n = 1)) > 0) {
  parts <- strsplit(line, "\t", fixed = TRUE)[[1]]
  values <- as.numeric(strsplit(parts[4], " ", fixed = TRUE)[[1]])
  y <- ts(values, frequency = as.integer(parts[2]))
  for (method in methods) {
    used <- system.time(out <- tryCatch(run[[method]](y, as.integer(parts[3])), error = function(e) NULL))
    seconds <- sprintf("%.4f", sum(used[1:2]))
    if (is.null(out) || any(!is.finite(out$mean))) cat(parts[1], method, seconds, "", "", "", sep = "\t")
    else {
      band <- function(side) if (is.null(side)) "" else numbers(side)
      cat(parts[1], method, seconds, numbers(out$mean), band(out$lower), band(out$upper), sep = "\t")
    }
    cat("\n")
  }
}
