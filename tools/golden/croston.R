# Croston's method: the rate after each value, and the forecast.
source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))), "common.R"))

answer(list(series = lapply(input$series, function(each) {
  fit <- croston(ts(numbers(each$values)), h = 1, alpha = each$alpha)
  list(mean = figure(fit$mean[1]), fitted = figures(fit$fitted))
})))
