#include "ipc/codec/kernel_codec.h"

#include <bit>
#include <cstring>
#include <utility>

namespace tally::ipc {

void write_hash(capnp::Data::Builder to, const model::ImageHash& hash) {
  std::memcpy(to.begin(), hash.data(), hash.size());
}

Result<model::ImageHash> read_hash(capnp::Data::Reader from) {
  model::ImageHash hash;
  if (from.size() != hash.size())
    return Error(Errc::InvalidArgument, "bad_hash",
                 "a SHA-256 has 32 bytes, not " + std::to_string(from.size()));
  std::memcpy(hash.data(), from.begin(), hash.size());
  return hash;
}

void write_image(schema::TaskImage::Builder to, const model::TaskImage& image) {
  write_hash(to.initHash(sizeof(model::ImageHash)), image.hash);
  to.setName(to_text(image.name));
  to.setHasDescriptor(image.descriptor.has_value());
  to.setDescriptor(image.descriptor.value_or(0));
}

Result<model::TaskImage> read_image(schema::TaskImage::Reader from) {
  const Result<model::ImageHash> hash = read_hash(from.getHash());
  if (!hash) return hash.error();
  model::TaskImage image{*hash, from_text(from.getName()), std::nullopt};
  if (from.getHasDescriptor()) image.descriptor = from.getDescriptor();
  return image;
}

void write_kernel_task(schema::KernelTask::Builder to, const model::KernelTask& task) {
  write_hash(to.initImage(sizeof(model::ImageHash)), task.image);
  to.setImageName(to_text(task.image_name));
  to.setKernel(to_text(task.kernel));
  auto columns = to.initColumns(static_cast<unsigned>(task.columns.size()));
  for (unsigned i = 0; i < columns.size(); ++i) columns.set(i, task.columns[i]);
  auto arguments = to.initArguments(static_cast<unsigned>(task.arguments.size()));
  for (unsigned i = 0; i < arguments.size(); ++i) {
    arguments[i].setName(to_text(task.arguments[i].name));
    arguments[i].setValue(to_text(task.arguments[i].value));
  }
}

Result<model::KernelTask> read_kernel_task(schema::KernelTask::Reader from) {
  const Result<model::ImageHash> hash = read_hash(from.getImage());
  if (!hash) return hash.error();
  model::KernelTask task;
  task.image = *hash;
  task.image_name = from_text(from.getImageName());
  task.kernel = from_text(from.getKernel());
  for (const std::uint32_t column : from.getColumns()) task.columns.push_back(column);
  for (const auto argument : from.getArguments())
    task.arguments.push_back(
        {from_text(argument.getName()), from_text(argument.getValue())});
  return task;
}

void write_kernel_info(schema::KernelInfo::Builder to, const model::KernelInfo& info) {
  to.setName(to_text(info.name));
  to.setSummary(to_text(info.summary));
  to.setTypes(info.types);
  to.setColumns(info.columns);
  to.setExact(info.exact);
  to.setSync(info.sync);
  auto parameters = to.initParameters(static_cast<unsigned>(info.parameters.size()));
  for (unsigned i = 0; i < parameters.size(); ++i) {
    const model::KernelParameter& parameter = info.parameters[i];
    parameters[i].setName(to_text(parameter.name));
    parameters[i].setSummary(to_text(parameter.summary));
    parameters[i].setHasDefault(parameter.default_value.has_value());
    if (parameter.default_value)
      parameters[i].setDefaultValue(to_text(*parameter.default_value));
  }
  to.setStateBytes(info.state_bytes);
}

model::KernelInfo read_kernel_info(schema::KernelInfo::Reader from) {
  model::KernelInfo info;
  info.name = from_text(from.getName());
  info.summary = from_text(from.getSummary());
  info.types = from.getTypes();
  info.columns = from.getColumns();
  info.exact = from.getExact();
  info.sync = from.getSync();
  for (const auto parameter : from.getParameters()) {
    model::KernelParameter& read = info.parameters.emplace_back();
    read.name = from_text(parameter.getName());
    read.summary = from_text(parameter.getSummary());
    if (parameter.getHasDefault())
      read.default_value = from_text(parameter.getDefaultValue());
  }
  info.state_bytes = from.getStateBytes();
  return info;
}

void write_output(schema::KernelOutput::Builder to, const model::KernelOutput& output) {
  to.setLabel(to_text(output.label));
  if (const auto* integer = std::get_if<Int128>(&output.value))
    write_int128(to.initInteger(), *integer);
  else if (const auto* f64 = std::get_if<double>(&output.value))
    to.setF64Bits(std::bit_cast<std::uint64_t>(*f64));
  else if (const auto* f32 = std::get_if<float>(&output.value))
    to.setF32Bits(std::bit_cast<std::uint32_t>(*f32));
  else if (const auto* text = std::get_if<std::string>(&output.value))
    to.setText(to_text(*text));
  else
    write_error(to.initError(), std::get<Error>(output.value));
}

model::KernelOutput read_output(schema::KernelOutput::Reader from) {
  const auto value = [&]() -> decltype(model::KernelOutput::value) {
    switch (from.which()) {
      case schema::KernelOutput::INTEGER: return read_int128(from.getInteger());
      case schema::KernelOutput::F64_BITS:
        return std::bit_cast<double>(from.getF64Bits());
      case schema::KernelOutput::F32_BITS:
        return std::bit_cast<float>(from.getF32Bits());
      case schema::KernelOutput::TEXT: return from_text(from.getText());
      case schema::KernelOutput::ERROR: return read_error(from.getError());
    }
    return Error(Errc::ProtocolViolation, "bad_enum", "an unknown kind of output");
  };
  return {from_text(from.getLabel()), value()};
}

}  // namespace tally::ipc
