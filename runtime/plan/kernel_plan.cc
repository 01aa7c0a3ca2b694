#include "runtime/plan/kernel_plan.h"

#include <algorithm>
#include <utility>

#include "ipc/base/nearest.h"

namespace tally::plan {
namespace {

std::string without_spaces(const std::string& text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

Error about(const model::KernelInfo& kernel, std::string code,
            const std::string& what) {
  return Error(Errc::InvalidArgument, std::move(code),
               "kernel '" + kernel.name + "' " + what)
      .with("kernel", kernel.name);
}

std::string parameter_names(const model::KernelInfo& kernel) {
  std::string names;
  for (const model::KernelParameter& parameter : kernel.parameters)
    names += (names.empty() ? "" : ", ") + parameter.name;
  return names.empty() ? "none" : names;
}

Error unknown_parameter(const model::KernelInfo& kernel, const std::string& name) {
  std::vector<std::string_view> choices;
  for (const model::KernelParameter& parameter : kernel.parameters)
    choices.push_back(parameter.name);
  std::string what = "has no parameter '" + name + "'";
  if (const auto near = nearest(name, choices))
    what += "; did you mean '" + std::string(*near) + "'?";
  return about(kernel, "unknown_parameter",
               what + " (there are: " + parameter_names(kernel) + ")")
      .with("parameter", name);
}

Result<void> add_argument(const model::KernelInfo& kernel, const std::string& text,
                          std::vector<model::KernelArgument>& arguments) {
  const std::size_t equals = text.find('=');
  model::KernelArgument argument{without_spaces(text.substr(0, equals)),
                                 without_spaces(text.substr(equals + 1))};
  const auto same = [&](const auto& other) { return other.name == argument.name; };
  if (std::none_of(kernel.parameters.begin(), kernel.parameters.end(), same))
    return unknown_parameter(kernel, argument.name);
  if (std::any_of(arguments.begin(), arguments.end(), same))
    return about(kernel, "repeated_parameter",
                 "was given the parameter '" + argument.name + "' twice");
  arguments.push_back(std::move(argument));
  return {};
}

Result<void> check_parameters(const model::KernelInfo& kernel,
                              const std::vector<model::KernelArgument>& given) {
  for (const model::KernelParameter& parameter : kernel.parameters) {
    const bool is_given = std::any_of(given.begin(), given.end(), [&](const auto& one) {
      return one.name == parameter.name;
    });
    if (!is_given && !parameter.default_value)
      return about(kernel, "missing_parameter",
                   "needs the parameter '" + parameter.name + "' (" +
                       parameter.summary + "): write " + kernel.name + "(" +
                       parameter.name + "=...)")
          .with("parameter", parameter.name);
  }
  return {};
}

Error wrong_columns(const model::KernelInfo& kernel, std::size_t given) {
  std::string example = kernel.name + "(";
  for (std::uint32_t i = 0; i < kernel.columns; ++i)
    example += (i == 0 ? "" : ",") + ("column" + std::to_string(i + 1));
  return about(kernel, "kernel_columns",
               "takes " + std::to_string(kernel.columns) + " columns, not " +
                   std::to_string(given) + "; write " + example + ")")
      .with("columns", std::int64_t{kernel.columns});
}

}  // namespace

const KnownKernel* find_kernel(std::span<const KnownKernel> kernels,
                               const std::string& name) {
  for (const KnownKernel& kernel : kernels)
    if (kernel.info.name == name) return &kernel;
  return nullptr;
}

Result<KernelRequest> plan_kernel(const model::ReducerSpec& wanted,
                                  const KnownKernel& kernel) {
  KernelRequest request;
  request.task.image = kernel.image;
  request.task.image_name = kernel.image_name;
  request.task.kernel = kernel.info.name;
  for (const std::string& arg : wanted.args) {
    if (arg.find('=') == std::string::npos) {
      request.columns.push_back(without_spaces(arg));
    } else if (Result<void> ok = add_argument(kernel.info, arg, request.task.arguments);
               !ok) {
      return std::move(ok).error();
    }
  }
  if (Result<void> ok = check_parameters(kernel.info, request.task.arguments); !ok)
    return std::move(ok).error();
  if (!wanted.column.empty()) request.columns.push_back(wanted.column);
  // The only column of a source that has one needs no name.
  if (request.columns.empty() && kernel.info.columns == 1)
    request.columns.emplace_back();
  if (request.columns.size() != kernel.info.columns)
    return wrong_columns(kernel.info, request.columns.size());
  return request;
}

Result<void> check_type(const model::KernelInfo& kernel, model::ElementType type) {
  const auto taken = [&](model::ElementType one) {
    return (kernel.types >> static_cast<unsigned>(one) & 1U) != 0;
  };
  if (taken(type) || taken(model::ElementType::F64)) return {};
  return about(kernel, "kernel_type",
               "takes " + model::type_names(kernel.types, ", ") +
                   ", and the elements are " + std::string(name_of(type)))
      .with("types", model::type_names(kernel.types, ", "));
}

}  // namespace tally::plan
