# ARIMA with regressors: the likelihood and forecasts of given parameters, R's estimates, and its tests for differences.
source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))), "common.R"))
suppressPackageStartupMessages(library(urca))
source_versions$urca <- as.character(packageVersion("urca"))

columns <- function(list) if (length(list) == 0) NULL else do.call(cbind, lapply(list, numbers))

fitted <- function(each, ...) {
  order <- unlist(each$order)
  seasonal <- list(order = order[4:6], period = order[7])
  arima(numbers(each$y), order = order[1:3], seasonal = seasonal, xreg = columns(each$xreg), include.mean = each$mean, ...)
}

differenced <- function(each) {
  order <- unlist(each$order)
  steps <- function(x) {
    for (i in seq_len(order[2])) x <- diff(x)
    for (i in seq_len(order[5])) x <- diff(x, lag = order[7])
    x
  }
  xreg <- columns(each$xreg)
  if (!is.null(xreg)) xreg <- apply(xreg, 2, steps)
  seasonal <- list(order = c(order[4], 0, order[6]), period = order[7])
  arima(
    steps(numbers(each$y)), order = c(order[1], 0, order[3]), seasonal = seasonal, xreg = xreg, include.mean = each$mean,
    fixed = unlist(each$coef), transform.pars = FALSE
  )$loglik
}

cases <- lapply(input$cases, function(each) {
  given <- function(kappa) fitted(each, fixed = unlist(each$coef), transform.pars = FALSE, kappa = kappa)
  fit <- given(1e6)
  made <- predict(fit, n.ahead = each$horizon, newxreg = columns(each$future))
  # The limit for a prior without information is the likelihood of the differences; with gaps there are none.
  gaps <- any(is.na(numbers(each$y)))
  limit <- if (gaps) NULL else figure(differenced(each))
  list(
    logLik = figure(fit$loglik), limit = limit, sigma2 = figure(fit$sigma2), forecast = figures(made$pred), se = figures(made$se)
  )
})

estimates <- lapply(input$estimates, function(each) {
  fit <- fitted(each, method = "ML")
  list(logLik = figure(fit$loglik), coef = figures(coef(fit)))
})

tests <- lapply(input$tests, function(each) {
  y <- numbers(each$y)
  list(
    kpss = figure(ur.kpss(y, type = "mu", use.lag = trunc(3 * sqrt(length(y)) / 13))@teststat),
    ndiffs = ndiffs(y), nsdiffs12 = nsdiffs(ts(y, frequency = 12)), nsdiffs4 = nsdiffs(ts(y, frequency = 4))
  )
})

answer(list(cases = cases, estimates = estimates, tests = tests))
