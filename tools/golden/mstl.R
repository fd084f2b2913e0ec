# Decompositions by loess: one season (stats::stl) and several (forecast::mstl).
source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))), "common.R"))

answer(list(
  stl = lapply(input$stl, function(each) {
    fit <- stl(ts(numbers(each$values), frequency = each$period), s.window = each$options$seasonal, robust = each$options$robust)
    list(seasonal = figures(fit$time.series[, "seasonal"], 9), trend = figures(fit$time.series[, "trend"], 9))
  }),
  mstl = lapply(input$mstl, function(each) {
    fit <- mstl(msts(numbers(each$values), seasonal.periods = unlist(each$seasons)))
    list(trend = figures(fit[, "Trend"], 9), seasonal = lapply(each$seasons, function(season) figures(fit[, paste0("Seasonal", season)], 9)))
  })
))
