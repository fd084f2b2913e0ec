# The standard Theta method.
source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))), "common.R"))

answer(list(series = lapply(input$series, function(each) {
  list(mean = figures(thetaf(ts(numbers(each$values), frequency = each$season), h = each$horizon)$mean))
})))
