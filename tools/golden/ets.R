# Exponential smoothing: R's estimates of every model, their likelihood and forecasts, and the models R chooses itself.
source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))), "common.R"))

series <- lapply(input$series, function(each) ts(numbers(each$values), frequency = each$period))
names(series) <- vapply(input$series, function(each) each$name, "")

# First states, the season's that of the first step first (R has the latest first).
fixed <- function(fit, period) {
  states <- fit$initstate
  seasonal <- grepl("^s[0-9]+$", names(states))
  found <- list(
    alpha = fit$par["alpha"], beta = fit$par["beta"], gamma = fit$par["gamma"], phi = fit$par["phi"],
    level = states["l"], growth = states["b"]
  )
  found <- lapply(found[!is.na(found)], function(value) unbox(signif(unname(value), 15)))
  if (any(seasonal)) found$season <- as.list(signif(unname(rev(states[seasonal])), 15))
  found
}

fits <- lapply(input$fits, function(each) {
  y <- series[[each$series]]
  damped <- nchar(each$model) == 4
  letters <- if (damped) sub("d", "", each$model) else each$model
  fit <- ets(y, model = letters, damped = damped, restrict = FALSE, allow.multiplicative.trend = TRUE)
  # R simulates the spread of some models: no reference.
  exact <- substr(letters, 2, 2) != "M" && !(substr(letters, 1, 1) == "A" && substr(letters, 3, 3) == "M")
  made <- forecast(fit, h = 10, level = 80, PI = exact)
  found <- list(
    fixed = fixed(fit), logLik = figure(fit$loglik), aicc = figure(fit$aicc), sigma2 = figure(fit$sigma2), mean = figures(made$mean)
  )
  if (exact) found$upper <- figures(made$upper)
  found
})

answer(list(fits = fits, auto = lapply(input$auto, function(each) {
  fit <- ets(series[[each$series]])
  list(method = unbox(fit$method), aicc = figure(fit$aicc))
})))
